"""A server as its callers see it: answers equal to the model's, refusals that say what to do."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

import lamina
from lamina.serve.addresses import ADDRESSES
from lamina.serve.app import app_of
from lamina.serve.keys import Keys, add_key
from lamina.serve.limits import Limits
from lamina.serve.starting import Settings, check, service_for

LIMITS = Limits(body=200_000, rows=500, pixels=10_000)


def client(folder: Path, names: list[str], **settings: Any) -> TestClient:
    places = [folder / f"{name}.lamina" for name in names]
    return TestClient(app_of(service_for(places, Settings(limits=LIMITS, **settings))))


@pytest.fixture(scope="module")
def churn(model_files: Path) -> Iterator[TestClient]:
    with client(model_files, ["churn"]) as found:
        yield found


@pytest.fixture(scope="module")
def both(model_files: Path) -> Iterator[TestClient]:
    with client(model_files, ["churn", "digits"]) as found:
        yield found


@pytest.fixture(scope="module")
def rows(churn_folder: Path) -> pl.DataFrame:
    return pl.read_csv(churn_folder / "new.csv")


def refused(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    return told


# --------------------------------------------------------------------------------------------- answers


def same(answers: list[dict[str, Any]], wanted: pl.DataFrame) -> None:
    assert [row["predicted_churned"] for row in answers] == wanted["predicted_churned"].to_list()
    got = [row["probability_yes"] for row in answers]
    np.testing.assert_allclose(got, wanted["probability_yes"].to_numpy(), atol=1e-5)


def test_json_is_answered_as_the_model_does(churn: TestClient, churn_model: lamina.Model, rows: pl.DataFrame):
    wanted = churn_model.predict(rows)
    told = churn.post("/v1/predict", json={"rows": rows.to_dicts()}).json()
    same(told["answers"], wanted)
    same(churn.post("/v1/predict", json=rows.to_dicts()).json()["answers"], wanted)
    same(churn.post("/v1/predict", json=rows.to_dicts()[0]).json()["answers"], wanted[:1])
    assert (told["model"], len(told["version"]), told["warnings"]) == ("churn", 12, [])


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("text/csv", lambda frame, to: frame.write_csv(to)),
        ("application/x-ndjson", lambda frame, to: frame.write_ndjson(to)),
        ("application/vnd.apache.parquet", lambda frame, to: frame.write_parquet(to)),
        ("application/vnd.apache.arrow.file", lambda frame, to: frame.write_ipc(to)),
        ("application/vnd.apache.arrow.stream", lambda frame, to: frame.write_ipc_stream(to)),
    ],
)
def test_tables_of_any_kind(
    kind: str, write: Any, churn: TestClient, churn_model: lamina.Model, rows: pl.DataFrame
):
    body = io.BytesIO()
    write(rows, body)
    answer = churn.post("/v1/predict", content=body.getvalue(), headers={"content-type": kind})
    assert answer.status_code == 200, answer.text
    same(answer.json()["answers"], churn_model.predict(rows))


def test_answers_as_a_table(churn: TestClient, churn_model: lamina.Model, rows: pl.DataFrame):
    headers = {"accept": "application/vnd.apache.arrow.file"}
    answer = churn.post("/v1/predict", json=rows.to_dicts(), headers=headers)
    same(pl.read_ipc(answer.content).to_dicts(), churn_model.predict(rows))
    text = churn.post("/v1/predict", json=rows.to_dicts(), headers={"accept": "text/csv"}).text
    assert text.startswith("predicted_churned,")


def test_pictures_in_a_form_and_in_base64(both: TestClient, digits_folder: Path, digits_model: lamina.Model):
    path = next((digits_folder / "7").glob("*.png"))
    wanted = digits_model.predict({"image": [str(path)]})["predicted_label"][0]
    form = both.post("/v1/models/digits/predict", files={"image": path.read_bytes()})
    assert form.json()["answers"][0]["predicted_label"] == wanted
    coded = base64.b64encode(path.read_bytes()).decode()
    for cell in (coded, f"data:image/png;base64,{coded}"):
        told = both.post("/v1/models/digits/predict", json={"image": cell}).json()
        assert told["answers"][0]["predicted_label"] == wanted


def test_what_cannot_be_read_is_missing_and_warned_of(churn: TestClient, rows: pl.DataFrame):
    many = [{**row, "months": "soon" if k == 0 else row["months"]} for k, row in enumerate(rows.to_dicts())]
    told = churn.post("/v1/predict", json=many).json()
    assert "months" in told["warnings"][0]
    assert len(told["answers"]) == 50


# ------------------------------------------------------------------------- decisions and explanations

COSTS = {"table": {"wait": {"no": 0, "yes": "charge"}, "call": {"no": 5, "yes": 0.2}}, "ask": 3}


def test_decisions_are_those_of_the_model(churn: TestClient, churn_model: lamina.Model, rows: pl.DataFrame):
    wanted = churn_model.decide(rows, lamina.Costs(**COSTS))
    told = churn.post("/v1/decide", json={"rows": rows.to_dicts(), "costs": COSTS}).json()
    assert [row["action"] for row in told["answers"]] == wanted["action"].to_list()
    values = [row["expected_value"] for row in told["answers"]]
    np.testing.assert_allclose(values, wanted["expected_value"], rtol=1e-5)
    assert len(set(wanted["action"])) > 1
    limits = [{"action": "call", "most": 3}]
    few = churn.post("/v1/decide", json={"rows": rows.to_dicts(), "costs": COSTS, "limits": limits}).json()
    assert sum(row["action"] == "call" for row in few["answers"]) <= 3


def test_costs_beside_a_table(churn: TestClient, churn_model: lamina.Model, rows: pl.DataFrame):
    wanted = churn_model.decide(rows, lamina.Costs(**COSTS))
    headers = {"content-type": "text/csv", "accept": "text/csv"}
    asked = {"params": {"costs": json.dumps(COSTS)}, "headers": headers}
    text = churn.post("/v1/decide", content=rows.write_csv(), **asked).text
    assert pl.read_csv(io.StringIO(text))["action"].to_list() == wanted["action"].to_list()


def test_costs_given_to_the_server(
    model_files: Path, churn_model: lamina.Model, rows: pl.DataFrame, tmp_path: Path
):
    path = tmp_path / "costs.csv"
    path.write_text("action,no,yes\nwait,0,charge\ncall,5,1\n")
    wanted = churn_model.decide(rows, lamina.Costs.from_csv(path))
    with client(model_files, ["churn"], costs=path) as asked:
        told = asked.post("/v1/decide", json=rows.to_dicts()).json()
    assert [row["action"] for row in told["answers"]] == wanted["action"].to_list()


@pytest.mark.parametrize(
    ("beside", "field"),
    [
        ({}, "costs"),
        ({"costs": {"table": {"wait": {"maybe": 1, "yes": 1}}}}, None),
        ({"costs": {"table": {"wait": {"no": "__import__('os')", "yes": 1}}}}, None),
        ({"costs": {"table": {"wait": {"no": "9" * 400, "yes": 1}}}}, None),
        ({"costs": {"table": {"wait": {"no": "nothing", "yes": 1}}}}, "nothing"),
        ({"costs": {"table": {}}}, None),
        ({"costs": {"table": {"a": {"no": 1, "yes": 1}}, "more": 1}}, None),
        ({"costs": 7}, None),
        ({"costs": COSTS, "limits": [{"action": "cal", "most": 1}]}, None),
        ({"costs": COSTS, "limits": [{"action": "call", "most": 1}] * 21}, "limits"),
        ({"costs": COSTS, "unknown": 1}, None),
    ],
)
def test_costs_that_cannot_be(beside: Any, field: str | None, churn: TestClient, rows: pl.DataFrame):
    told = refused(churn.post("/v1/decide", json={"rows": rows.to_dicts(), **beside}), 422)
    assert told.get("field") == field


def test_numbers_are_not_decided_by_classes(charge_model: lamina.Model, rows: pl.DataFrame, tmp_path: Path):
    charge_model.save(tmp_path / "charge.lamina")
    body = {"rows": rows.with_columns(churned=pl.lit("no")).to_dicts(), "costs": COSTS}
    with client(tmp_path, ["charge"]) as asked:
        told = refused(asked.post("/v1/decide", json=body), 422)
    assert "classes" in told["detail"]


def test_explanations_are_those_of_the_model(
    churn: TestClient, churn_model: lamina.Model, rows: pl.DataFrame
):
    background = rows[10:40]
    wanted = churn_model.explain(rows[:3], background=background, seed=1)
    body = {"rows": rows[:3].to_dicts(), "background": background.to_dicts(), "seed": 1}
    told = churn.post("/v1/explain", json=body).json()["explanation"]["rows"]
    assert [each["of"] for each in told] == [each.of for each in wanted.rows]
    for one, other in zip(told, wanted.rows, strict=True):
        moved = {c["columns"][0]: c["contribution"] for c in one["contributions"]}
        for each in other.contributions:
            assert moved[each.columns[0]] == pytest.approx(each.contribution, abs=1e-5)


def test_explanations_are_bounded(model_files: Path, rows: pl.DataFrame):
    with client(model_files, ["churn"]) as asked:
        refused(asked.post("/v1/explain", json=rows.to_dicts()), 413)
        few = {"rows": rows[:2].to_dicts()}
        refused(asked.post("/v1/explain", json=few | {"background": rows.to_dicts() * 21}), 413)
        refused(asked.post("/v1/explain", json=few | {"what": "everything"}), 422)
        refused(asked.post("/v1/explain", json=few | {"seed": -1}), 422)
    hurry = Settings(limits=msgspec.structs.replace(LIMITS, explain_seconds=0.0))
    with TestClient(app_of(service_for([model_files / "churn.lamina"], hurry))) as asked:
        told = refused(asked.post("/v1/explain", json={"rows": rows[:9].to_dicts()}), 422)
    assert "longer" in told["detail"]


def test_rows_to_compare_with_given_to_the_server(model_files: Path, churn_folder: Path, rows: pl.DataFrame):
    row = {"rows": rows[:1].to_dicts()}
    with client(model_files, ["churn"], background=churn_folder / "test.csv") as asked:
        told = asked.post("/v1/explain", json=row).json()["explanation"]
    (one,) = told["rows"]
    assert sum(each["contribution"] for each in one["contributions"]) == pytest.approx(
        one["answer"] - one["mean"], abs=1e-4
    )
    assert "background" in told["background"]


# -------------------------------------------------------------------------------------------- refusals


def test_a_missing_column_is_named(churn: TestClient, rows: pl.DataFrame):
    told = refused(churn.post("/v1/predict", json=rows.drop("months").to_dicts()), 422)
    assert told["field"] == "months"
    assert "Add the column" in told["remedy"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 5000, 400),
        (b"\xff\xfe", 400),
        (b'[{"plan": "ba\xa9ic"}]', 400),
        (b"[]", 422),
        (b"7", 422),
        (b'{"rows": [1]}', 422),
        (b'{"rows": []}', 422),
        (b'[{"months": {"a": 1}}]', 422),
        (b"[" + b"{}," * 600 + b"{}]", 413),
        (b'"' + b"a" * 300_000 + b'"', 413),
    ],
)
def test_bodies_that_are_no_rows(body: bytes, status: int, churn: TestClient):
    headers = {"content-type": "application/json"}
    told = refused(churn.post("/v1/predict", content=body, headers=headers), status)
    assert told["remedy"]


def test_numbers_beyond_all_numbers_are_no_failure(churn: TestClient, rows: pl.DataFrame):
    for huge in (10**400, -(10**400), 10**30):
        body = json.dumps([rows.to_dicts()[0] | {"charge": huge, "plan": huge}])
        answer = churn.post("/v1/predict", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 422), answer.text


def test_names_that_stand_twice_are_told_at_once(churn: TestClient) -> None:
    header = ",".join(["c"] * 20_000) + "\n"  # each was once compared with every other
    answer = churn.post("/v1/predict", content=header, headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    assert answer.json()["field"] == "c"
    assert len(answer.content) < 1000


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.apache.parquet", "application/x-ndjson"])
@pytest.mark.parametrize("body", [b"PAR1 no", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"\x00" * 99])
def test_bodies_that_are_no_tables(kind: str, body: bytes, churn: TestClient):
    answer = churn.post("/v1/predict", content=body, headers={"content-type": kind})
    assert answer.status_code in (400, 415, 422)
    refused(answer, answer.status_code)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--b--"),
        ("multipart/form-data; boundary=", b"--b--"),
        ("multipart/form-data; boundary=" + "x" * 5000, b"--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n1\r\n' * 1001
            + b"--b--\r\n",
        ),
    ],
)
def test_forms_that_are_none(kind: str, body: bytes, churn: TestClient):
    answer = churn.post("/v1/predict", content=body, headers={"content-type": kind})
    refused(answer, answer.status_code)
    assert answer.status_code in (400, 413, 422)


def test_other_kinds_of_bodies(churn: TestClient):
    refused(churn.post("/v1/predict", content=b"x", headers={"content-type": "text/html"}), 415)
    packed = {"content-type": "application/json", "content-encoding": "gzip"}
    refused(churn.post("/v1/predict", content=b"x", headers=packed), 415)


def test_paths_are_not_followed(both: TestClient, digits_folder: Path):
    path = str(next((digits_folder / "7").glob("*.png")))
    refused(both.post("/v1/models/digits/predict", json={"image": path}), 422)
    table = f"image\n{path}\n"
    answer = both.post("/v1/models/digits/predict", content=table, headers={"content-type": "text/csv"})
    assert "Paths" in refused(answer, 422)["remedy"] or "no paths" in answer.json()["remedy"]


def test_a_picture_that_would_unfold_is_refused_before(both: TestClient):
    from PIL import Image

    body = io.BytesIO()
    Image.new("L", (200, 200)).save(body, "png")
    told = refused(both.post("/v1/models/digits/predict", files={"image": body.getvalue()}), 413)
    assert "40,000 pixels" in told["detail"]


def test_addresses_that_are_not_there(both: TestClient):
    assert "churn" in refused(both.post("/v1/models/chrn/predict", json=[{}]), 404)["remedy"]
    refused(both.post("/v1/predict", json=[{}]), 404)
    refused(both.get("/v2"), 404)
    refused(both.get("/v1/models/churn/predict"), 405)


def test_keys_and_rates(model_files: Path, tmp_path: Path, rows: pl.DataFrame):
    path = tmp_path / "keys.json"
    shop, other = add_key(path, "shop", ("predict",)), add_key(path, "other", ("feedback",))
    with client(model_files, ["churn"], keys=path, rate=0.001, burst=2) as asked:
        row = rows.to_dicts()[0]
        refused(asked.post("/v1/predict", json=row), 401)
        refused(asked.post("/v1/predict", json=row, headers={"authorization": f"Bearer {other}"}), 403)
        for headers in ({"authorization": f"Bearer {shop}"}, {"x-api-key": shop}):
            assert asked.post("/v1/predict", json=row, headers=headers).status_code == 200
        late = asked.post("/v1/predict", json=row, headers={"x-api-key": shop})
        assert "retry-after" in late.headers
        refused(late, 429)
        assert asked.get("/healthz").status_code == 200
    assert len(Keys.read(path).keys) == 2


# ----------------------------------------------------------------------------------------- what is told


def test_the_document_describes_what_is_answered(churn: TestClient):
    told = churn.get("/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    row = told["components"]["schemas"]["Row_0"]
    assert row["required"] == ["months", "plan", "charge", "joined", "city"]
    assert churn.post("/v1/predict", json=row["examples"]).status_code == 200
    for verb in ("predict", "decide", "explain"):
        body = told["paths"][f"/v1/{verb}"]["post"]["requestBody"]["content"]["application/json"]
        answer = churn.post(f"/v1/{verb}", json=body["example"])
        assert answer.status_code == 200, answer.text


def test_every_address_is_in_the_document(churn: TestClient):
    paths = churn.get("/openapi.json").json()["paths"]
    for each in ADDRESSES:
        assert each.method.lower() in paths[f"/v1/{each.path}"]
        assert each.method.lower() in paths[f"/v1/models/churn/{each.path}"]


def test_the_page_needs_no_internet(both: TestClient):
    answer = both.get("/docs")
    assert "http" not in answer.text.replace("http-equiv", "")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_schema_model_measures(churn: TestClient):
    assert churn.get("/v1/schema").json()["fields"][1]["name"] == "months"
    assert churn.get("/v1/model").json()["target"] == ["churned"]
    assert churn.get("/v1/models").json()[0]["name"] == "churn"
    assert churn.get("/readyz").json() == {"status": "ready"}
    assert 'lamina_requests_total{model="churn",status="200",verb="predict"}' in churn.get("/metrics").text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
def test_no_open_server_by_mistake(host: str):
    with pytest.raises(lamina.LaminaError, match="Without keys"):
        check(Settings(host=host))
    check(Settings(host=host, open_to_all=True))


def test_half_a_pair_of_tls_files():
    with pytest.raises(lamina.LaminaError, match="TLS"):
        check(Settings(certificate=Path("a.pem")))
    check(Settings(host="localhost"))
    check(Settings(host="::1"))
