"""The page docs/generated/GPUResources.md."""

# Of the table of instructions, in this order.
COLUMNS = ["mma.sync", "ldmatrix", "ldmatrix.trans", "cp.async", "cp.async.wait_group", "bar.sync",
           "shfl.sync", "ex2.approx", "ld.shared", "st.shared", "ld.global", "st.global"]
BYTES_PER_CLK = 128
# Clk of a multiprocessor for one mma.sync.m16n8k16: A100's rate, half and a quarter of it.
MMA_CLK = [2, 4, 8]


def make_table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def write_budget(entries):
    rows = []
    for name, entry in entries.items():
        if "schedule" not in entry:
            continue
        s = entry["schedule"]
        shared = entry["loop_bytes"] / BYTES_PER_CLK
        mma = entry["loop"]["mma.sync"] * s["warps"]
        fractions = [mma * clk / max(shared, mma * clk) for clk in MMA_CLK]
        rows.append([name, f"{s['heads']} × {s['keys']} × {s['stages']}", s["warps"],
                     s["query_steps"], s["score_passes"], f"{entry['shared_bytes']:,}",
                     f"{shared:.0f}", mma * MMA_CLK[0],
                     " / ".join(f"{fraction:.2f}" for fraction in fractions)])
    return make_table(["kernel, image", "heads × keys × stages", "warps", "query steps", "passes",
                       "shared memory, bytes", "shared memory, clk", "products, clk",
                       "share of the products' rate at 2 / 4 / 8 clk"], rows)


def write_registers(entries, image):
    rows = []
    for name, entry in entries.items():
        if name.endswith(f", {image.name}"):
            found = [entry["chips"][chip] for chip in image.chips]
            rows.append([name.removesuffix(f", {image.name}"), entry["threads"],
                         *(f"{chip['registers']} ({chip['floor']})" for chip in found),
                         sum(chip["spill_bytes"] for chip in found),
                         sum(len(chip["notes"]) for chip in found) or "none"])
    return make_table(["kernel", "threads", *image.chips, "bytes of spills", "notes"], rows)


def write_instructions(entries):
    rows = []
    for name, entry in entries.items():
        everywhere, loop = entry["instructions"], entry.get("loop", {})
        rows.append([name, *(
            f"{everywhere.get(column, 0)} ({loop.get(column, 0)})" if loop
            else everywhere.get(column, 0) for column in ["all", *COLUMNS])])
    return make_table(["kernel, image", "all", *COLUMNS], rows)


def write(table, images):
    entries = table["kernels"]
    text = f"""\
<!-- Generated from test/golden/gpu-resources.json by tools/gpu-resources/table.py --update; do not edit. -->
# What the GPU kernels need

Kernels of the shapes in `test/data/gpu`, assembled by ptxas {table['ptxas']}; nothing here was
run. The image of 163 KB is for chips whose blocks may have as much shared memory, that of
99 KB for all.

## Schedules

Per tile of keys, of a block. Clk of shared memory are bytes that threads ask for
at {BYTES_PER_CLK} bytes a clk, without conflicts of banks, every thread of each instruction counted;
clk of products are m16n8k16 at {MMA_CLK[0]} clk. The smaller of 1 and their quotient is the share of the
products' rate that shared memory allows: at 2 clk a product (A100's rate), 4 and 8.

{write_budget(entries)}
## Registers

Of a thread, and in parentheses the floor: the least `.maxnreg`, in steps of 8, with which
nothing spills.
"""
    for image in images:
        of = "" if image.is_default else ", by option only"
        text += f"\n### {image.name}{of}\n\n{write_registers(entries, image)}"
    return text + f"""
## Instructions

In the text, and in parentheses those of the loop over tiles.

{write_instructions(entries)}"""
