"""From the reports of several processes to figures: the best of them, a check, a table."""

COLUMNS = {"OpenBLAS (GEMM only)": ("OpenBLAS q k^T, GEMM only", "OpenBLAS k q^T, GEMM only",
                                    "OpenBLAS q k^T and p v, GEMMs only"),
           "nth_element": ("std::nth_element",), "PyTorch eager": ("PyTorch eager",),
           "compiled": ("PyTorch compile",), "best form": ("PyTorch best",)}
METRICS = {"of_roof": "roof", "of_plain_shape": "plain shape", "of_scores_alone": "scores alone",
           "over_nth_element": "nth_element", "over_one_thread": "one thread",
           "over_torch_textbook": "PyTorch, usual form", "over_torch_best": "PyTorch, best form"}


def is_better(metric, value, than):
    return value < than if metric == "compile_s" else value > than


def merge_case(cases):
    """The best of a case's figures in several processes; ratios are of one process each."""
    measured = [case for case in cases if "error" not in case]
    if not measured:
        return dict(cases[0])
    merged = {k: v for k, v in measured[0].items() if k not in ("roofs", "contenders", "ratios")}
    # A process that failed counts: its kernel is wrong, or does not run.
    merged |= {"error": case["error"] for case in cases if "error" in case}
    merged["compile_s"] = [s for case in measured for s in case["compile_s"]]
    for key, best, choose in (("roofs", "best", max), ("contenders", "best_ms", min)):
        names = {entry["name"]: None for case in measured for entry in case[key]}
        merged[key] = [choose((e for case in measured for e in case[key] if e["name"] == name),
                              key=lambda e: e[best]) for name in names]
    ratios = {}
    for case in measured:
        for ratio in case["ratios"]:
            known = ratios.setdefault(ratio["metric"], dict(ratio, values=[]))
            known["values"].append(ratio["value"])
            if is_better(ratio["metric"], ratio["value"], known["value"]):
                known["value"] = ratio["value"]
    merged["ratios"] = list(ratios.values())
    return merged


def merge(reports):
    """One report out of those of several processes, which it keeps."""
    names = {case["name"]: None for report in reports for case in report["cases"]}
    first = {k: v for k, v in reports[0].items() if k != "cases"}
    return first | {"processes": reports, "cases": [
        merge_case([c for report in reports for c in report["cases"] if c["name"] == name])
        for name in names]}


def misses(report):
    """What keeps a report from passing, one line each."""
    if report["smoke"]:
        return ["figures of a smoke run mean nothing and cannot be checked"]
    lines, checked = [], 0
    for case in report["cases"]:
        if "error" in case:
            lines.append(f"{case['name']}: {case['error']}")
        for ratio in case.get("ratios", []):
            if "floor" not in ratio:
                continue
            checked += 1
            if is_better(ratio["metric"], ratio["floor"], ratio["value"]):
                bound = "at most" if ratio["metric"] == "compile_s" else "at least"
                lines.append(f"{case['name']}: {ratio['metric']} is {ratio['value']:.3f}, "
                             f"has to be {bound} {ratio['floor']:g}")
    if not checked and not lines:
        lines.append(f"no floors are set for machines of kind '{report['isa']}'")
    return lines


def ratio_of(case, names):
    """How many times as fast as the faster of these contenders ours is."""
    times = [c["best_ms"] for c in case["contenders"] if c["name"] in names]
    return min(times) / case["contenders"][0]["best_ms"] if times else None


def cell(value, form="{:.2f}"):
    return "" if value is None else form.format(value)


def peer_cell(case, report, column, names):
    """How many times as fast ours is, or why there is no such number."""
    if (ratio := ratio_of(case, names)) is not None:
        return f"{ratio:.2f}x"
    if column == "compiled" and "compile" in case.get("torch_failures", {}):
        return "failed"
    if names[0].startswith("OpenBLAS") and case["op"] in ("indexer_scores",
                                                           "sparse_attention"):
        return "absent"
    return "absent" if names[0].startswith("PyTorch") and not report["torch"] else ""


def row(case, report):
    if "error" in case:
        return [case["name"], case["error"]]
    ours = case["contenders"][0]
    # What has a floor is what the case is there for.
    ratios = [r for r in case["ratios"] if r["metric"] != "compile_s"]
    main = next((r for r in ratios if "floor" in r), ratios[0] if ratios else {})
    cells = [case["name"], cell(ours["best_ms"], "{:.3f}"), cell(ours["median_ms"], "{:.3f}"),
             cell(ours.get("best_gflops"), "{:.1f}"),
             METRICS.get(main.get("metric"), ""), cell(main.get("value"), "{:.3f}"),
             cell(main.get("floor"), "{:g}"), cell(main.get("goal"), "{:g}")]
    cells += [peer_cell(case, report, column, names) for column, names in COLUMNS.items()]
    compiles = [r["value"] for r in case["ratios"] if r["metric"] == "compile_s"]
    return cells + [cell(compiles[0] if compiles else None)]


def describe(report):
    """Where, when and of what the figures are."""
    machine = report["machine"]
    lines = [f"{machine['chip']} ({machine['cpu']}, family {machine['family']} model "
             f"{machine['model']}), {machine['cores']} cores, roofs of {report['isa']}; "
             f"{report['date'][:10]}, commit {report['commit'] or 'unknown'}; "
             f"pipeline {report['pipeline']}; pages {report['pages']}; "
             f"best of processes: {len(report['processes'])}, of {report['rounds']} rounds each.",
             f"OpenBLAS: {report['openblas'] or 'absent'}. PyTorch: "
             + (report["torch"] or f"absent ({report['torch_absent']})") + "."]
    roofs = {}
    for case in report["cases"]:
        for roof in case.get("roofs", []) if case["threads"] == 1 else []:
            known = roofs.setdefault(roof["name"], roof)
            roofs[roof["name"]] = max(known, roof, key=lambda r: r["best"])
    text = ", ".join(f"{r['name']} {r['best']:.1f} {r['unit']}" for r in roofs.values())
    return lines + [f"Roofs of one core: {text or 'not measured'}."]


def table(report):
    """Markdown."""
    head = ["case", "ms", "median", "GF/s", "against", "reached", "floor", "goal", *COLUMNS,
            "compile s"]
    rows = [head, ["---"] * len(head), *(row(case, report) for case in report["cases"])]
    return "\n".join(["| " + " | ".join(cells) + " |" for cells in rows])
