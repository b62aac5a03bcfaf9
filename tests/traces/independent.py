"""Counts of recorded files, read here without weft, against `weft trace info --json`: GOAL text and binary, Chakra's protobuf, Kineto,
layer tables, communication lists. Usage: independent.py WEFT DATA"""
import collections, csv, gzip, glob, io, json, re, struct, subprocess, sys

weft, data = sys.argv[1], sys.argv[2]
bad = n_cases = 0


def info(paths, *options):
    got = subprocess.run([weft, "trace", "info", "--json", *options, *paths], capture_output=True, text=True)
    if got.returncode:
        raise SystemExit(f"FAILED {paths[0]}: {got.stderr.strip()}")
    return json.loads(got.stdout)


def check(name, what, got, expected):
    global bad, n_cases
    n_cases += 1
    if got != expected:
        print(f"FAILED {name}: {what}: weft {got}, counted here {expected}")
        bad = 1


def calls(run):
    """(kind, group size) -> [calls, bytes]"""
    out = collections.defaultdict(lambda: [0, 0])
    for c in run["collectives"]:
        out[c["kind"], c["group_ranks"]][0] += c["calls"]
        out[c["kind"], c["group_ranks"]][1] += c["bytes"]
    return dict(out)


def text(path):
    raw = open(path, "rb").read()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()


# GOAL text: lines; binary: records of 39 bytes.
for path in glob.glob(data + "/goal-loggopsim/*.goal"):
    body = re.sub(r"//.*|/\*.*?\*/", "", text(path), flags=re.S if "/*" in text(path) else 0)
    ops = {word: re.findall(rf"\b{word}\s+(\d+)b?\b", body) for word in ("send", "recv", "calc")}
    run = info([path])
    check(path, "operations", [run["operations"][k] for k in ("send", "receive", "compute")], [len(ops[w]) for w in ops])
    check(path, "bytes", run["message_bytes"], sum(map(int, ops["send"])))
    check(path, "ranks", run["ranks"], int(re.search(r"num_ranks\s+(\d+)", body)[1]))
for path in glob.glob(data + "/goal-loggopsim/*.bin"):
    raw = open(path, "rb").read()
    ranks, kinds, size = struct.unpack_from("<I", raw, 8)[0], collections.Counter(), 0
    for rank in range(ranks):
        at = struct.unpack_from("<Q", raw, 14 + 16 * rank)[0] + 8
        nodes, roots = struct.unpack_from("<II", raw, at)
        for i in range(nodes):
            _, kind, peer, amount = struct.unpack_from("<IBIQ", raw, at + 8 + 4 * roots + 39 * i)
            kinds["join" if kind == 1 and peer >= ranks else kind] += 1
            size += amount if kind == 1 else 0
    run = info([path])
    check(path, "operations", [run["operations"][k] for k in ("send", "receive", "compute", "wait")], [kinds[k] for k in (1, 2, 3, "join")])
    check(path, "bytes", run["message_bytes"], size)


# Chakra: protobuf by hand.
def varint(b, p):
    value = shift = 0
    while True:
        value |= (b[p] & 127) << shift
        shift += 7
        p += 1
        if b[p - 1] < 128:
            return value, p


def fields(b):
    p = 0
    while p < len(b):
        key, p = varint(b, p)
        if key & 7 == 0:
            value, p = varint(b, p)
        elif key & 7 == 2:
            length, p = varint(b, p)
            value, p = b[p:p + length], p + length
        else:
            length = 8 if key & 7 == 1 else 4
            value, p = b[p:p + length], p + length
        yield key >> 3, key & 7, value


def chakra_nodes(path):
    b, p, first = open(path, "rb").read(), 0, True
    while p < len(b):
        length, p = varint(b, p)
        record, p = list(fields(b[p:p + length])), p + length
        if first and not any(n >= 3 or (n == 1 and t == 0) for n, t, _ in record):
            first = False
            continue
        first = False
        node = {"type": 0, "us": 0}
        for number, wire, value in record:
            if number == 3: node["type"] = value
            if number == 7: node["us"] = value
            if number == 10:
                attribute = dict((n, v) for n, _, v in fields(value))
                number = next((v for k, v in attribute.items() if k in range(7, 28) and isinstance(v, int)), None)
                node[attribute.get(1, b"").decode()] = number
        yield node


KINDS = ["allreduce", "reduce", "allgather", "gather", "scatter", "broadcast", "alltoall", "reduce_scatter", "reduce_scatter", "barrier"]
sets = [sorted(glob.glob(folder + "/*.et")) for folder in glob.glob(data + "/chakra-astra-sim/microbenchmarks/*")]
sets += [glob.glob(data + "/chakra-astra-sim/custom*/*.et"), glob.glob(data + "/chakra-astra-sim/resnet*/*.et"),
         glob.glob(data + "/chakra-mlcommons/*.et")]
for paths in sets:
    kinds, size, computed_us, host_us, collectives = collections.Counter(), 0, 0, 0, collections.defaultdict(lambda: [0, 0])
    for path in paths:
        for node in chakra_nodes(path):
            collective = node["type"] == 7 and not node.get("is_cpu_op") and node.get("comm_size") is not None
            kind = {5: "send", 6: "receive"}.get(node["type"], "collective" if collective else "compute")
            kinds[kind] += 1
            size += node["comm_size"] if kind == "send" else 0
            if kind == "compute" and node.get("is_cpu_op"): host_us += node["us"]
            elif kind == "compute": computed_us += node["us"]
            if collective:
                name = KINDS[node.get("comm_type") or 0]
                collectives[name, len(paths)][0] += 1
                collectives[name, len(paths)][1] += node["comm_size"] * (len(paths) if name == "allgather" else 1)
    run = info(paths)
    check(paths[0], "operations", {k: v for k, v in run["operations"].items() if v}, dict(kinds))
    check(paths[0], "bytes", run["message_bytes"], size)
    check(paths[0], "collectives", calls(run), {k: [v[0] // len(paths), v[1] // len(paths)] for k, v in collectives.items()})
    if len(paths) == 1:
        check(paths[0], "times", [run["compute_mean_ps"], run["host_mean_ps"]], [computed_us * 10**6, host_us * 10**6])

# Kineto: what the device computed; the collectives of the one file whose kernels say their sizes.
BYTES = {"Float": 4, "Half": 2, "BFloat16": 2, "Byte": 1, "Long": 8, "Int": 4}
for path in glob.glob(data + "/kineto-hta/*.gz") + glob.glob(data + "/kineto-megatron-tp8/*kineto_0*"):
    document = json.loads(text(path))
    events = [e for e in document["traceEvents"] if e.get("ph") == "X" and
              e.get("cat", "").lower() in ("kernel", "gpu_memcpy", "gpu_memset", "memcpy", "memset")]
    nccl = [e for e in events if e["name"].startswith(("ncclKernel", "ncclDevKernel"))]
    run = info([path], "--replicate", str(document.get("distributedInfo", {}).get("world_size", 8)))
    ns = sum(round(e["dur"] * 1000) for e in events)  # NCCL kernels whose size is not known are replayed as computation
    check(path, "device ns", run["compute_mean_ps"] + run["recorded"]["communication_ps"], ns * 1000)
    if nccl and "In msg nelems" in nccl[0]["args"]:
        sized = [e["args"] for e in nccl if e["args"]["Collective name"] == "allreduce"]
        check(path, "all-reduces", calls(run).get(("allreduce", int(sized[0]["Group size"])), [0, 0])[1] if sized else 0,
              sum(a["In msg nelems"] * BYTES[a["dtype"]] for a in sized))

# Layer tables of SimAI without stages: computation per rank, and calls by column and word.
for path in glob.glob(data + "/simai-aicb/layer_tables/*.txt"):
    lines = text(path).split("\n")
    if "micro" in path or "ZERO" in path.upper() or "zero" in path:
        continue
    rows = [line.split() for line in lines[2:] if line.strip()]
    tensor = int(re.search(r"model_parallel_NPU_group:\s*(\d+)", lines[0])[1])
    run = info([path])
    ranks, expected, ns = run["ranks"], collections.defaultdict(lambda: [0, 0]), 0
    for row in rows:
        ns += int(row[2]) + int(row[5]) + int(row[8])
        for column, (word, size) in enumerate(((row[3], row[4]), (row[6], row[7]), (row[9], row[10]))):
            group = tensor if column < 2 else ranks // tensor
            if word == "NONE" or not int(size) or group < 2:
                continue
            kind = {"ALLREDUCE": "allreduce", "ALLGATHER": "allgather", "REDUCESCATTER": "reduce_scatter", "BROADCAST": "broadcast"}[word]
            size = max(int(size), 4096) if column == 0 else int(size)
            expected[kind, group][0] += ranks // group
            expected[kind, group][1] += size * (ranks // group)
    check(path, "collectives", calls(run), dict(expected))
    check(path, "computation", run["compute_mean_ps"], ns * 1000)

# Communication lists: calls by row of every stage, by groups of their stated size.
for path in glob.glob(data + "/simai-aicb/comm_logs/*"):
    expected, messages, stage = collections.defaultdict(lambda: [0, 0]), 0, 0
    for line in text(path).split("\n"):
        if line.startswith("["):
            stage = len(re.findall(r"rank\d+", line)) if "~" not in line else int(re.search(r"~ rank(\d+)", line)[1]) + 1
            continue
        row = line.split(",")
        if len(row) < 8 or row[0] == "comm_type" or row[0].split(".")[-1] in ("computation", "epoch_end"):
            continue
        kind = row[0].split(".")[-1].replace("_", "") if "reduce_scatter" not in row[0] else "reduce_scatter"
        if kind in ("isend", "irecv"):
            messages += (kind == "isend") * stage * int(row[3])
            continue
        group = int(row[2]) if row[2] not in ("None", "") else stage
        if group < 2 or "embedding" in row[1]:
            continue
        size = 0 if kind == "barrier" else int(row[3])
        share = stage / group  # of a pipeline's group each stage has one member and sees one of `group` parts
        expected[kind, group][0] += share
        expected[kind, group][1] += share * size
    run = info([path])
    check(path, "collectives", calls(run), {k: [int(v[0]), int(v[1])] for k, v in expected.items()})
    check(path, "messages", run["message_bytes"], messages)

print(f"{n_cases} figures counted independently")
sys.exit(bad)
