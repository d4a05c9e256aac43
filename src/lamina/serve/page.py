"""The page at ``/docs``: what can be asked, to be tried out in a browser, without the internet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Final

from lamina.serve.examples import Example

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6577; --line: #d9dee7; --back: #fff;
  --card: #f6f8fb; --mark: #1f5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf1; --soft: #9aa5b8;
  --line: #313a49;
  --back: #14181f;
  --card: #1b212b; --mark: #7fb0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.25rem 4rem; background: var(--back);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
p, td, th { color: var(--soft); } code, pre, textarea { font: .875rem/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .4rem .75rem .4rem 0;
  border-top: 1px solid var(--line); vertical-align: top; } th { font-weight: 600; }
td:first-child code { color: var(--ink); }
pre, textarea { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem;
  width: 100%; overflow: auto; color: var(--ink); }
textarea { min-height: 12rem; } label { display: block; font-weight: 600; margin: .8rem 0 .3rem; }
button { background: var(--mark); color: var(--back); border: 0; border-radius: .5rem; font: inherit;
  font-weight: 600; padding: .5rem 1.2rem; margin: .6rem 0; cursor: pointer; }
input { font: inherit; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: .4rem; width: 100%;
  background: var(--card); color: var(--ink); }
.wide { overflow-x: auto; }
"""
_SCRIPT: Final = """
document.querySelectorAll('form').forEach(form => form.addEventListener('submit', async event => {
  event.preventDefault();
  const told = form.querySelector('output'), key = form.querySelector('input').value.trim();
  const headers = {'Content-Type': 'application/json'};
  if (key) headers.Authorization = 'Bearer ' + key;
  told.textContent = '…';
  try {
    const began = performance.now();
    const body = form.querySelector('textarea').value;
    const answer = await fetch(form.action, {method: 'POST', headers, body});
    const text = await answer.text(), took = (performance.now() - began).toFixed(1);
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch {}
    told.textContent = answer.status + ', ' + took + ' ms\\n' + shown;
  } catch (error) { told.textContent = String(error); }
}));
"""


def page(examples: Mapping[str, Example]) -> str:
    """The whole page. Every word of the data is escaped."""
    parts = [_model(name, each) for name, each in examples.items()]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Lamina</title>'
        f"<style>{_STYLE}</style></head><body><h1>Lamina</h1>"
        '<p>Answers over HTTP. The whole interface: <a href="openapi.json">OpenAPI document</a>.</p>'
        f"{''.join(parts)}<script>{_SCRIPT}</script></body></html>"
    )


def _model(name: str, example: Example) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field.name)}</code></td><td>{escape(field.kind)}</td>"
        f"<td>{escape(field.why)}{escape(f' ({field.unit})' if field.unit else '')}</td></tr>"
        for field in example.schema.with_role("input")
    )
    body = escape(json.dumps({"rows": example.rows}, indent=2, ensure_ascii=False, default=str))
    address = f"v1/models/{escape(name)}/predict"
    return (
        f"<h2>{escape(name)}</h2><div class=wide><table><thead>"
        f"<tr><th>column</th><th>kind</th><th>why</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f'<form action="{address}"><label>Rows<textarea spellcheck=false>{body}</textarea></label>'
        '<label>Key, where one is needed<input autocomplete=off placeholder="lk_…"></label>'
        f"<button>POST /{address}</button><pre><output>The answer stands here.</output></pre></form>"
    )
