#!/usr/bin/env python3
"""Checks an exported event log, or a proof, against signed checkpoints.

A second implementation: RFC 6962 tree, C2SP signed notes with Ed25519 (RFC 8032), and the event
encoding of event-store/src/audit/leaf.rs. It needs Python 3 alone.

    verify.py log EXPORT.jsonl CHECKPOINTS PUBLIC_KEY    the whole log: exit code 0 or 1
    verify.py proof PROOF.json PUBLIC_KEY                one event, or that one checkpoint
                                                         continues another
"""
import base64, datetime, hashlib, json, pathlib, sys, uuid

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    k, l = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    m, n = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = l - k, n - m, n + m, l + k
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or y >= P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decompress(bytes([0x58] + [0x66] * 31))


def is_signed(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    a, b = times(s, BASE), add(decompress(signature[:32]), times(k, decompress(key)))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def checkpoint(note, vkey):
    name, key_id, key = vkey.strip().split("+", 2)
    key = base64.b64decode(key, validate=True)
    digest = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if key[0] != 1 or digest.hex() != key_id:
        raise ValueError("not an Ed25519 key")
    text, signatures = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if (dash, signer, signature[:4]) == ("\u2014", name, digest):
            origin, size, root = text.split("\n")[:3]
            if origin != name or not is_signed(key[1:], text.encode(), signature[4:]):
                break
            return int(size), base64.b64decode(root, validate=True)
    raise ValueError("a checkpoint is not signed by the key")


def leaf(row):
    """The hash of the leaf of an exported event."""
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=row["recorded_at_us"])
    if row["recorded_at"] != time.isoformat(timespec="microseconds") + "Z":
        raise ValueError("a row contradicts itself")
    payload = row["payload"].encode() if "payload" in row else base64.b64decode(row["payload_base64"])
    number = lambda name, signed=False: row[name].to_bytes(8, "big", signed=signed)
    fields = [b"eventflows event 1", number("position"), uuid.UUID(row["event_id"]).bytes]
    fields += [row["stream"].encode(), number("revision"), row["type"].encode()]
    fields += [number("schema_version"), number("recorded_at_us", True)]
    fields += [uuid.UUID(row["command_id"]).bytes, row["metadata"].encode(), payload]
    encoded = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return hashlib.sha256(b"\0" + encoded).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def root_by_path(hash, index, size, path):
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    last = size - 1
    if index > last:
        raise ValueError("the leaf is not in the tree")
    for beside in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index & 1 or index == last:
            hash = node(beside, hash)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            hash = node(hash, beside)
        index, last = index >> 1, last >> 1
    return hash if last == 0 else None


def roots_by_proof(earlier, size, path):
    """The two roots that a consistency proof leads to (RFC 9162, 2.1.4.2)."""
    (first, root), nodes = earlier, list(path)
    if not 0 < first <= size:
        raise ValueError("nothing continues this")
    if first == size:
        return (root, root) if not nodes else None
    if first & (first - 1) == 0:
        nodes.insert(0, root)
    index, last = first - 1, size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = nodes[0]
    for beside in nodes[1:]:
        if last == 0:
            return None
        if index & 1 or index == last:
            before, after = node(beside, before), node(beside, after)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            after = node(after, beside)
        index, last = index >> 1, last >> 1
    return (before, after) if last == 0 else None


def check_log(export, directory, vkey):
    """The first position that is not as it was signed; None where all is."""
    directory = pathlib.Path(directory)
    files = [*directory.glob("*.checkpoint"), directory / "latest"]
    signed = sorted({checkpoint(file.read_text(), vkey) for file in files})
    data, largest = (directory / "leaves").read_bytes(), signed[-1][0]
    leaves = [data[i : i + 32] for i in range(0, 32 * largest, 32)]
    if any(root(leaves[:size]) != value for size, value in signed):
        raise ValueError("the leaves file is not what was signed")
    with open(export, encoding="utf-8") as rows:
        for position, expected in enumerate(leaves, 1):
            row = next(rows, None)
            if row is None or leaf(json.loads(row)) != expected:
                return position
    return None


def check_proof(path, vkey):
    proof = json.loads(pathlib.Path(path).read_text())
    size, value = checkpoint(proof["checkpoint"], vkey)
    nodes = [base64.b64decode(text, validate=True) for text in proof["path"]]
    if proof["format"] == "eventflows consistency proof 1":
        earlier = checkpoint(proof["earlier"], vkey)
        return roots_by_proof(earlier, size, nodes) == (earlier[1], value)
    if proof["format"] != "eventflows inclusion proof 1":
        raise ValueError("no format of a proof")
    index = proof["event"]["position"] - 1
    return index == proof["leaf_index"] and root_by_path(leaf(proof["event"]), index, size, nodes) == value


if __name__ == "__main__":
    vkey = pathlib.Path(sys.argv[-1]).read_text()
    if sys.argv[1] == "proof":
        sys.exit(print("the proof holds") if check_proof(sys.argv[2], vkey) else "the proof does not hold")
    bad = check_log(sys.argv[2], sys.argv[3], vkey)
    sys.exit(print("the log is intact") if bad is None else f"first bad position: {bad}")
