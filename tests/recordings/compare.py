"""Shows where a recording of one server differs from a recording of another.

    compare.py REFERENCE OURS [--only NAME…] [--settings NAME=true|false …] [--protocol docs/protocol.md] [--decided] [--wording]

Scenario by scenario and step by step, what the reference has and ours lacks or says otherwise. Not reported: members that only
ours has (clients accept a superset), the digits of ids and times, and, unless --wording, the text of error messages. A step whose
scenario says `differs` is a decided difference: left out, or listed with --decided; --protocol checks that each names a section
of that page. A scenario that needs another setting than one of --settings is left out. Exit status 1 if anything undecided remains.
"""
import argparse, json, pathlib, re, sys

PLACEHOLDER = re.compile(r"<uuid:\d+>")


def same(a, b):
    if isinstance(a, str) and isinstance(b, str): return PLACEHOLDER.sub("<uuid>", a) == PLACEHOLDER.sub("<uuid>", b)
    if isinstance(a, bool) or isinstance(b, bool): return a is b
    return a == b


def differences(ref, ours, path, wording):
    if isinstance(ref, dict) and isinstance(ours, dict):
        for k in ref:
            if k == "message" and not wording: continue
            if k not in ours: yield f"{path}.{k}", ref[k], "(absent)"
            else: yield from differences(ref[k], ours[k], f"{path}.{k}", wording)
    elif isinstance(ref, list) and isinstance(ours, list):
        if all(isinstance(x, dict) and "key" in x for x in ref + ours):  # attributes come in any order
            ref, ours = (sorted(x, key=lambda a: a["key"]) for x in (ref, ours))
        if len(ref) != len(ours): yield f"{path}", f"{len(ref)} elements: {short(ref)}", f"{len(ours)}: {short(ours)}"
        else:
            for i, (a, b) in enumerate(zip(ref, ours)): yield from differences(a, b, f"{path}[{i}]", wording)
    elif not same(ref, ours): yield path, ref, ours


def short(x, n=150):
    s = json.dumps(x, ensure_ascii=False)
    return s if len(s) <= n else s[:n] + "…"


def counterpart(steps, i, what):
    """Our step of that text: the one at the same place, or else the first."""
    if i < len(steps) and steps[i]["what"] == what: return steps[i]
    return next((s for s in steps if s["what"] == what), None)


def headings(page):
    return {line.lstrip("#").strip() for line in page.read_text().splitlines() if line.startswith("#")}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("reference", type=pathlib.Path); p.add_argument("ours", type=pathlib.Path)
    p.add_argument("--only", nargs="*"); p.add_argument("--settings", nargs="*", default=[]); p.add_argument("--protocol", type=pathlib.Path)
    p.add_argument("--decided", action="store_true"); p.add_argument("--wording", action="store_true")
    a = p.parse_args(); steps = decided = undecided = 0; unexplained = set()
    settings = {k: v == "true" for k, v in (s.split("=") for s in a.settings)}
    sections = headings(a.protocol) if a.protocol else None
    for f in sorted(a.reference.glob("*.json")):
        if a.only and f.stem not in a.only: continue
        reference = json.loads(f.read_text())
        if any(settings.get(k, v) != v for k, v in reference["settings"].items()): continue
        other = a.ours / f.name
        if not other.exists(): print(f"{f.stem}: not recorded"); undecided += 1; continue
        ours = json.loads(other.read_text())["steps"]
        for i, r in enumerate(reference["steps"]):
            steps += 1
            o = counterpart(ours, i, r["what"])
            if o is None:
                print(f"{f.stem} #{i+1} {r['what']}: no such step in ours"); undecided += 1; continue
            found = list(differences(r["response"], o["response"], "", a.wording))
            if not found: continue
            if "differs" in o:
                decided += 1
                if sections is not None and o["differs"].split(":")[0] not in sections: unexplained.add(o["differs"])
                if not a.decided: continue
                print(f"{f.stem} #{i+1} {r['what']}  [decided: {o['differs']}]")
            else:
                undecided += 1; print(f"{f.stem} #{i+1} {r['what']}")
            for where, x, y in found: print(f"    {where or 'response'}: {short(x)} → {short(y)}")
    for text in sorted(unexplained): print(f"names no section of {a.protocol}: {text}")
    print(f"{steps} steps, {decided} decided differences, {undecided} undecided")
    sys.exit(1 if undecided or unexplained else 0)


main()
