"""Reports as they come out of grading, and one in which every string is an attack."""

from __future__ import annotations

import base64
import struct
import zlib

import msgspec
import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.error_map import classify
from grader.model import (
    CallFrame,
    CaseResult,
    CheckResult,
    Comparison,
    GivenItem,
    HandGraded,
    Question,
    Report,
    Scatter,
    Status,
    Tier,
    Visibility,
)

CANARY = "window.__pwned=1;alert(1)"

XSS = (
    f"<script>{CANARY}</script>",
    f"<ScRiPt >{CANARY}</sCrIpT>",
    f"</script><script>{CANARY}</script>",
    f"</style><script>{CANARY}</script>",
    f"</title><script>{CANARY}</script>",
    f"</textarea><script>{CANARY}</script>",
    f"--><script>{CANARY}</script>",
    f"]]><script>{CANARY}</script>",
    f'"><script>{CANARY}</script>',
    f"'><script>{CANARY}</script>",
    f"<img src=x onerror={CANARY}>",
    f'<img src="x" onerror="{CANARY}">',
    f"<img src=x:x onerror\n=\n{CANARY}>",
    f'"><img src=x onerror={CANARY}>',
    f'" autofocus onfocus="{CANARY}" x="',
    f"' onmouseover='{CANARY}' x='",
    f"<svg onload={CANARY}>",
    f"<svg><script>{CANARY}</script></svg>",
    f"<svg><animate onbegin={CANARY} attributeName=x dur=1s>",
    f"<svg><set attributeName=href to=javascript:{CANARY} /></svg>",
    f'<svg><a xlink:href="javascript:{CANARY}"><text y=20>x</text></a></svg>',
    f"<svg><foreignObject><body onload={CANARY}></foreignObject></svg>",
    f'<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>{CANARY}</script></svg>#x"/></svg>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={CANARY}&gt;">',
    f'<math href="javascript:{CANARY}">x</math>',
    f'<math><maction actiontype="statusline#" xlink:href="javascript:{CANARY}">x</maction></math>',
    f"<body onload={CANARY}>",
    f"<details open ontoggle={CANARY}>x</details>",
    f"<video><source onerror={CANARY}></video>",
    f"<audio src=x onerror={CANARY}>",
    f"<iframe src=javascript:{CANARY}></iframe>",
    f'<iframe srcdoc="<script>parent.{CANARY}</script>"></iframe>',
    f"<object data=javascript:{CANARY}></object>",
    f"<embed src=javascript:{CANARY}>",
    f"<a href=javascript:{CANARY}>x</a>",
    f'<a href="java&#x09;script:{CANARY}">x</a>',
    f'<a href="&#106;avascript:{CANARY}">x</a>',
    f'<a href="data:text/html,<script>{CANARY}</script>">x</a>',
    f"<form action=javascript:{CANARY}><button autofocus>x</button></form>",
    f"<button formaction=javascript:{CANARY} form=f>x</button>",
    f"<input autofocus onfocus={CANARY}>",
    f"<select autofocus onfocus={CANARY}></select>",
    f"<marquee onstart={CANARY}>x</marquee>",
    f'<meta http-equiv="refresh" content="0;url=javascript:{CANARY}">',
    '<meta http-equiv="Content-Security-Policy" content="script-src *">',
    '<base href="https://attacker.example/">',
    '<link rel="stylesheet" href="https://attacker.example/x.css">',
    '<style>@import "https://attacker.example/x.css";body{display:none}</style>',
    '<div style="position:fixed;inset:0;background:url(https://attacker.example/x)">covers</div>',
    '<img src="https://attacker.example/pixel.png" srcset="https://attacker.example/2.png 2x">',
    '<img src="//attacker.example/pixel.png">',
    f'<img src="data:image/svg+xml;base64,{base64.b64encode(f"<svg onload={CANARY!r}/>".encode()).decode()}">',
    f"<noscript><p title=\"</noscript><img src=x onerror={CANARY}>\">",
    f"<template><script>{CANARY}</script></template>",
    f"<xmp><p title=\"</xmp><script>{CANARY}</script>\">",
    f"<![CDATA[<script>{CANARY}</script>]]>",
    f"{{{{ ''.__class__ }}}}{{% raw %}}<script>{CANARY}</script>{{% endraw %}}",
    f"\\u003cscript\\u003e{CANARY}\\u003c/script\\u003e",
    f"\x00<scr\x00ipt>{CANARY}</script>",
    f"\ud800<script>{CANARY}</script>\udfff",
    f"\u202e<script>{CANARY}</script>",
    f"\x1b]8;;https://attacker.example\x07click\x1b]8;;\x07\x1b[2J<script>{CANARY}</script>",
    f"+ADw-script+AD4-{CANARY}+ADw-/script+AD4-",
    f"<x onclick={CANARY} tabindex=1 id=main class=banner>x</x>",
)  # fmt: skip

MARKDOWN_XSS = (
    f"[x](javascript:{CANARY})",
    f"[x](JaVaScRiPt&colon;{CANARY})",
    f"[x](<javascript:{CANARY}>)",
    f"<javascript:{CANARY}>",
    f"[x]: javascript:{CANARY}\n\n[x]",
    f'![x](x"onerror="{CANARY})',
    f"![x](data:text/html;base64,{base64.b64encode(f'<script>{CANARY}</script>'.encode()).decode()})",
    "![x](https://attacker.example/pixel.png)",
    f"$\\href{{javascript:{CANARY}}}{{x}}$",
    f"$$\\text{{<img src=x onerror={CANARY}>}}$$",
    f"$\\unicode{{<script>{CANARY}</script>}}$",
    f"\\begin{{align}}<script>{CANARY}</script>\\end{{align}}",
    f"`</code><script>{CANARY}</script>`",
    f"```\n</pre><script>{CANARY}</script>\n```",
    f"| a |\n|---|\n| <script>{CANARY}</script> |",
    f"# <img src=x onerror={CANARY}>",
)

QUESTIONS = (("rnn", "Vanilla RNN"), ("lstm", "LSTM"))
CHECKS = (
    ("rnn_step_forward", "rnn", 5.0, "One step of the vanilla RNN gives the next hidden state", ()),
    (
        "rnn_step_backward",
        "rnn",
        8.0,
        "Its backward pass gives the gradient of each input",
        ("rnn_step_forward",),
    ),
    ("rnn_forward", "rnn", 7.0, "The RNN runs over a whole sequence", ("rnn_step_forward",)),
    (
        "rnn_backward",
        "rnn",
        10.0,
        "Gradients flow back through all time steps",
        ("rnn_step_backward", "rnn_forward"),
    ),
    ("word_embedding_forward", "rnn", 4.0, "Words become their vectors", ()),
    (
        "captioning_rnn_loss",
        "rnn",
        10.0,
        "The captioning model's loss and gradients are right",
        ("rnn_backward",),
    ),
    ("notebook_rnn", "rnn", 6.0, "The notebook runs from the first cell to the last", ()),
    (
        "lstm_step_forward",
        "lstm",
        10.0,
        "One step of the LSTM gives the next hidden and cell state",
        (),
    ),
    ("lstm_forward", "lstm", 20.0, "The LSTM runs over a whole sequence", ("lstm_step_forward",)),
    (
        "captioning_lstm_sample",
        "lstm",
        20.0,
        "Captions are sampled word by word",
        ("lstm_forward",),
    ),
)

SOURCE = '''import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """Run one time step: tanh of an affine map of the input and the previous state."""
    a = x @ Wx + prev_h @ Wh + b  # (N, H)
    next_h = np.tanh(a)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_forward(x, h0, Wx, Wh, b):
    """Run over a whole sequence."""
    N, T, D = x.shape
    h = np.zeros((N, T, h0.shape[1]))
    for t in range(T):
        h[:, t], _ = rnn_step_forward(x[:, t], h0, Wx, Wh, b)
    return h, None


def rnn_backward(dh, cache):
    """Run back through time."""
    x, prev_h, Wx, Wh, next_h = cache
    for t in reversed(range(dh.shape[1])):
        dx, dprev_h = cache[t]
    return dx
'''


def passing() -> Report:
    """A submission in which all is right."""
    checks = tuple(_check(*row, status=Status.PASS) for row in CHECKS)
    notes = (
        "Taken: cs231n/rnn_layers.py, cs231n/classifiers/rnn.py",
        "Not used: `notes.txt`, `old/rnn_layers.py`",
    )
    return _report("submission-1", checks, notes=notes, isolation=Tier.BUBBLEWRAP, seed="hidden")


def template() -> Report:
    """The handout as it is: nothing is written yet."""
    checks = []
    for row in CHECKS:
        message = f"`{row[0]}` is not implemented yet"
        cases = tuple(
            CaseResult(name, Status.FAIL, message, 0.001, unimplemented=row[0])
            for name in ("small", "one_step")
        )
        check = _check(*row, status=Status.SKIP if row[4] else Status.FAIL)
        checks.append(msgspec.structs.replace(check, message=message, cases=cases))
    return _report("student_template", tuple(checks), isolation=Tier.NONE)


def mixed() -> Report:
    """Something of everything: comparisons with pictures, an exception, a hidden check, a grader's
    fault.
    """
    wrong_h = _comparison(
        "h", (2, 6, 10), lambda error: _set(error[:, 1:], 0.4), ("N batch", "T time", "H hidden")
    )
    wrong_dw = _comparison(
        "dWx", (8, 12), lambda error: _set(error[:, 3:6], 0.05), ("D input", "H hidden")
    )
    wrong_db = Comparison(
        "db",
        False,
        "`db` has shape (1, 12), expected (12,)",
        "array of float64, shape (1, 12)",
        "array of float64, shape (12,)",
    )
    spread = np.zeros((21, 21), dtype=int)
    for index in range(21):
        spread[index, 20 - index if index % 3 else index] = index + 1
    scattered = msgspec.structs.replace(
        wrong_dw,
        name="dx",
        error_map=None,
        scatter=Scatter(tuple(tuple(int(n) for n in row) for row in spread)),
    )
    trace = (
        "cs231n/rnn_layers.py, line 24, in rnn_backward\n    dx, dprev_h = cache[t]\n"
        "TypeError: 'NoneType' object is not subscriptable"
    )
    raised = CaseResult(
        "several_steps", Status.FAIL, "`rnn_backward` raised TypeError: 'NoneType' object is not subscriptable", 0.002,
        trace=trace, frames=(CallFrame("cs231n/rnn_layers.py", 24, "rnn_backward"),), output="shape of dh: (2, 6, 10)\n",
    )  # fmt: skip
    details = {
        "rnn_step_backward": (
            (wrong_dw, wrong_db),
            "The bias is added to each row, so its gradient is a sum over the rows.",
        ),
        "rnn_forward": (
            (wrong_h,),
            "Each step starts from the state that the step before it left.",
        ),
        "lstm_step_forward": ((scattered,), ""),
    }
    checks = []
    for row in CHECKS:
        check = _check(*row, status=Status.PASS)
        if row[0] in details:
            values, hint = details[row[0]]
            check = _failed(check, _case(*values), hint=hint)
            mistake = (
                "the state of the step before is not passed on" if row[0] == "rnn_forward" else ""
            )
            check = msgspec.structs.replace(check, mistake=mistake)
        elif row[0] == "rnn_backward":
            check = _failed(check, raised, share=0.0)
        elif row[0] == "notebook_rnn":
            message = "cell 3 raised ZeroDivisionError: division by zero"
            check = msgspec.structs.replace(
                _failed(check, CaseResult("run", Status.FAIL, message), share=0.0),
                notebook="RNN_Captioning.ipynb",
            )
        elif row[0] == "captioning_rnn_loss":
            message = "`rnn_backward` does not work yet, and this check builds on it"
            check = msgspec.structs.replace(
                check, status=Status.SKIP, points=0.0, message=message, cases=()
            )
        elif row[0] == "lstm_forward":
            check = msgspec.structs.replace(
                _failed(check, _case(wrong_h), hint="SECRET hint"), id="secret_id", title="SECRET title",
                message="SECRET message",
                visibility=Visibility.HIDDEN,
            )  # fmt: skip
        elif row[0] == "captioning_lstm_sample":
            case = CaseResult(
                "small",
                Status.FAIL,
                "given `secret_id`, `captions` follows",
                follows=("rnn_backward", "secret_id"),
            )
            check = _failed(check, case, share=0.625)
            check = msgspec.structs.replace(check, requires=("secret_id",), follow_through=True)
        checks.append(check)
    notes = (
        "Taken: `cs231n/rnn_layers.py`",
        "Not used: `cs231n/layers.py` (the assignment's own is used), `.DS_Store`",
    )
    report = _report(
        "submission-2", tuple(checks), notes=notes, isolation=Tier.LANDLOCK, seed="hidden"
    )
    given = (
        HandGraded(
            title="RNN_Captioning/why", points=1.5, max_points=2.0, comment="See $h_t$, and *chapter 10*.",
            items=(GivenItem("Names the **gradient** $\\nabla L$", 1.0), GivenItem("for this one", 0.5)),
        ),
        HandGraded(title="secret_id", points=0.5, check="secret_id", items=(GivenItem("as `secret_id` said", 0.5),)),
    )  # fmt: skip
    return msgspec.structs.replace(report, by_hand=given)


def faulty() -> Report:
    """A run in which the grader itself failed."""
    checks = [_check(*row, status=Status.PASS) for row in CHECKS]
    checks[3] = msgspec.structs.replace(
        checks[3], status=Status.ERROR, points=0.0, message="the expectations hold no value `dh0`"
    )
    return _report("edsger", tuple(checks), isolation=Tier.LANDLOCK)


def hostile() -> Report:
    """A report in which every string that a student can reach, and every other one, is an attack."""
    attacks = iter(XSS * 40)
    checks = []
    for number, row in enumerate(CHECKS):
        a = [next(attacks) for _ in range(12)]
        comparison = Comparison(
            a[0], False, a[1], a[2], a[3], float("nan"), float("inf"), 3, 9, ((0, 1),),
            error_map=classify(np.ones((3, 3)), np.ones((3, 3), bool), 1.0, (a[4], a[5])),
        )  # fmt: skip
        frames = (CallFrame("cs231n/rnn_layers.py", 5 + number, a[6]),)
        case = CaseResult(
            a[6], Status.FAIL, a[7], 0.1, (comparison,), a[8], a[9] * 3, (a[10],), frames=frames
        )
        check = CheckResult(
            f"{a[11]}{number}" if number % 2 else row[0], row[1], a[0], 0.0, row[2], Status.FAIL, Visibility.VISIBLE,
            a[1], a[2], 0.1, (case, msgspec.structs.replace(case, id=a[3], status=Status.PASS)),
            requires=(a[4],), functions=("rnn_step_forward", a[5]), notebook="hostile.ipynb",
        )  # fmt: skip
        checks.append(check)
    report = _report("".join(XSS), tuple(checks), notes=XSS)
    questions = tuple(Question(name, XSS[0], 0.0, 50.0) for name, _ in QUESTIONS)
    return msgspec.structs.replace(
        report, title=XSS[8], assignment=XSS[9], version=XSS[10], started=XSS[11], seed=XSS[12], questions=questions,
        by_hand=tuple(
            HandGraded(title=attack, points=1.0, max_points=2.0, items=(GivenItem(attack, 1.0),), comment=attack)
            for attack in (*XSS, *MARKDOWN_XSS)
        ),
    )  # fmt: skip


def hostile_sources() -> dict[str, str]:
    """Sources whose every line is an attack."""
    body = "\n".join(f"    '''{attack}''' # {attack}" for attack in XSS)
    return {
        "cs231n/rnn_layers.py": f"def rnn_step_forward(x):\n{body}\n",
        XSS[0]: f"def {XSS[1]}(x): pass",
    }


def notebook(*, broken: bool = False) -> NotebookNode:
    """An executed notebook as a course would have it."""
    text = (
        "# Vanilla RNN\n\nThe state follows $h_t = \\tanh(W_x^\\top x_t + W_h^\\top h_{t-1} + b)$, and\n\n"
        "$$\\frac{\\partial L}{\\partial W_h} = \\sum_{t=1}^{T} h_{t-1}^\\top \\delta_t$$\n\n"
        "| symbol | meaning |\n|---|---|\n| $N$ | batch |\n| $T$ | time |\n\n- one\n- two\n\nSee [the text](https://example.org)."
    )
    cells = [
        new_markdown_cell(text),
        new_code_cell(
            "import numpy as np\n\nfor t in range(3):\n    print('step', t)  # a comment",
            outputs=[new_output("stream", text="step 0\nstep 1\nstep 2\n")],
        ),
        new_code_cell(
            "plt.plot(losses)\nplt.show()",
            outputs=[
                new_output(
                    "display_data",
                    {"image/png": png(320, 180), "text/plain": "<Figure size 640x480>"},
                )
            ],
        ),
        new_code_cell(
            "frame",
            outputs=[new_output("execute_result", {"text/html": TABLE, "text/plain": "   a  b"})],
        ),
    ]
    if broken:
        trace = [
            "\x1b[31m---------------\x1b[0m",
            "\x1b[31mZeroDivisionError\x1b[0m Traceback",
            "----> 1 1 / 0",
            "division by zero",
        ]
        cells.append(
            new_code_cell(
                "1 / 0",
                outputs=[
                    new_output(
                        "error",
                        ename="ZeroDivisionError",
                        evalue="division by zero",
                        traceback=trace,
                    )
                ],
            )
        )
    return new_notebook(cells=cells)


TABLE = """<style scoped>.dataframe td { color: red }</style><table border="1" class="dataframe"><thead>
<tr style="text-align: right;"><th></th><th>a</th><th>b</th></tr></thead>
<tbody><tr><th>0</th><td>1</td><td>2</td></tr></tbody></table>"""


def hostile_notebook() -> NotebookNode:
    """A notebook with each attack in each place that it offers."""
    cells = []
    for attack in (*XSS, *MARKDOWN_XSS):
        everything = dict.fromkeys(("text/html", "text/plain"), attack)
        outputs = [
            new_output("stream", text=attack),
            new_output("display_data", everything),
            new_output("display_data", {"text/markdown": attack}),
            new_output("display_data", {"text/latex": f"${attack}$"}),
            new_output(
                "display_data",
                {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'>{attack}</svg>"},
            ),
            new_output("display_data", {"image/png": attack}),
            new_output("display_data", {"application/javascript": CANARY}),
            new_output(
                "display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": attack}}
            ),
            new_output("error", ename=attack, evalue=attack, traceback=[attack]),
        ]
        cells += [new_markdown_cell(attack), new_code_cell(attack, outputs=outputs)]
    return new_notebook(cells=cells)


def huge_notebook() -> NotebookNode:
    """400 cells and 10 MB of output, half of it text and half of it pictures and tables."""
    code = (
        "total = 0\nfor index in range(100):\n    total += index  # some comment\nprint('total is', total)\n"
        * 3
    )
    line = "epoch 1 of 10: loss 3.14 <b>&amp;</b> and more of the same to fill the line\n"
    cells = []
    for number in range(400):
        outputs = [new_output("stream", text=line * 160)]
        if number % 5 == 0:
            outputs.append(new_output("display_data", {"image/png": png(200, 100, noise=True)}))
        if number % 7 == 0:
            rows = "".join(f"<tr><td>{n}</td><td>{n * n}</td></tr>" for n in range(500))
            outputs.append(
                new_output(
                    "display_data", {"text/html": f"<table>{rows}</table>", "text/plain": "a table"}
                )
            )
        cells.append(new_code_cell(code, outputs=outputs))
    return new_notebook(cells=cells)


def png(width: int, height: int, *, noise: bool = False) -> str:
    """Return a PNG as base64: a wave, or noise that does not compress."""
    if noise:
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    else:
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        wave = np.abs(y - height / 2 - height / 3 * np.sin(x / 25)) < 2
        pixels = np.where(wave[..., None], np.array([20, 90, 170]), 255).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def _check(
    name: str, question: str, most: float, title: str, requires: tuple[str, ...], *, status: Status
) -> CheckResult:
    cases = tuple(
        CaseResult(case, status, seconds=0.004)
        for case in ("small", "one_row", "one_step", "wide", "float32")
    )
    points = most if status is Status.PASS else 0.0
    return CheckResult(
        name, question, title, points, most, status, Visibility.VISIBLE, "", "", 0.02, cases,
        requires=requires, functions=(name,), reference_seconds=0.015,
    )  # fmt: skip


def _failed(
    check: CheckResult, case: CaseResult, *, hint: str = "", share: float = 0.6
) -> CheckResult:
    cases = (case, msgspec.structs.replace(case, id="wide"), *check.cases[2:])
    return msgspec.structs.replace(
        check,
        status=Status.FAIL,
        points=check.max_points * share,
        message=case.message,
        hint=hint,
        cases=cases,
    )


def _case(*values: Comparison) -> CaseResult:
    right = (Comparison("cache", True), Comparison("next_h", True))
    return CaseResult("small", Status.FAIL, values[0].message, 0.004, (*right, *values))


def _comparison(
    name: str, shape: tuple[int, ...], spoil: object, axes: tuple[str, ...]
) -> Comparison:
    error = np.zeros(shape)
    spoil(error)  # type: ignore[operator]
    wrong = error > 0
    words = f"array of float64, shape {shape}"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    message = (
        f"`{name}` has the right shape {shape}, but {int(wrong.sum())} of {wrong.size} entries are off: "
        f"largest relative error 3.1e-01, absolute {error.max():.1e}, first at {list(first)}"
    )
    return Comparison(
        name, False, message, words, words, 0.31, float(error.max()), int(wrong.sum()), wrong.size, (first,),
        error_map=classify(error, wrong, 1.0, axes),
    )  # fmt: skip


def _set(view: np.ndarray, value: float) -> None:
    view[...] = value * np.linspace(0.02, 1, view.shape[-1])


def _report(
    name: str,
    checks: tuple[CheckResult, ...],
    *,
    notes: tuple[str, ...] = (),
    isolation: Tier = Tier.NONE,
    seed: str = "public",
) -> Report:
    questions = []
    for question, title in QUESTIONS:
        mine = [check for check in checks if check.question == question]
        questions.append(
            Question(question, title, sum(c.points for c in mine), sum(c.max_points for c in mine))
        )
    return Report(
        1, "captioning", "Image captioning with RNNs and LSTMs", name, sum(q.points for q in questions),
        sum(q.max_points for q in questions), isolation, 7.4, "2026-03-04T15:09:26+00:00", tuple(questions), checks,
        notes, seed=seed, version="1",
    )  # fmt: skip
