"""Writes console_files.c: the console's pages and the modules they import, as bytes of the program.

Usage: pack.py PAGES_FOLDER NPM_FOLDER_OR_NOTHING OUT_C

A module of npm names others by package; here they are files beside it. Their licences go with them.
"""
import hashlib
import json
import pathlib
import re
import sys

MODULES = {  # file: (package, module)
    "preact.js": ("preact", "dist/preact.mjs"),
    "hooks.js": ("preact", "hooks/dist/hooks.mjs"),
    "htm.js": ("htm", "dist/htm.mjs"),
}
PACKAGES = {"preact": "preact.js", "preact/hooks": "hooks.js", "htm": "htm.js"}
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
IMPORT = re.compile(r"""\b(from|import)(\s*)(["'])([\w./-]+)\3""")
MISSING = """<!doctype html>
<meta charset="utf-8">
<title>Hongyan</title>
<p>This program was built without its console: run <code>script/bootstrap</code>, remove the build folder and build again.</p>
<p lang="zh-CN">此程序构建时缺少控制台：请运行 <code>script/bootstrap</code>，删除构建目录后重新构建。</p>
"""


def die(text):
    sys.exit(f"pack.py: {text}")


def beside(name, text, files):
    """The module's text with each import naming a file beside it."""
    def turn(found):
        what, space, quote, module = found.groups()
        file = PACKAGES.get(module, module.removeprefix("./"))
        if file not in files:
            die(f"{name} imports {module}, which is neither a page nor a module")
        return f"{what}{space}{quote}./{file}{quote}"
    return IMPORT.sub(turn, text)


def gather(pages, npm):
    files = {p.name: p.read_text(encoding="utf-8") for p in sorted(pages.iterdir()) if p.suffix in TYPES}
    licences = []
    for name, (package, module) in MODULES.items():
        files[name] = re.sub(r"\n?//# sourceMappingURL=.*", "", (npm / package / module).read_text(encoding="utf-8"))
    for package in sorted({package for package, _ in MODULES.values()}):
        about = json.loads((npm / package / "package.json").read_text(encoding="utf-8"))
        licences.append(f"{about['name']} {about['version']}\n\n{(npm / package / 'LICENSE').read_text(encoding='utf-8')}")
    for name in files:
        if name.endswith(".js"):
            files[name] = beside(name, files[name], files)
    files["licences.txt"] = ("\n" + "-" * 80 + "\n\n").join(licences)
    return files


def write(files, path):
    with open(path, "w", encoding="ascii") as out:
        out.write('/* made by pack.py */\n#include "console/console.h"\n\n')
        for i, text in enumerate(files.values()):
            data = text.encode()
            out.write(f"static const unsigned char bytes_{i}[] = {{\n")
            for at in range(0, len(data), 32):
                out.write(",".join(map(str, data[at:at + 32])) + ",\n")
            out.write("};\n")
        out.write("\nconst struct http_file console_files[] = {\n")
        for i, (name, text) in enumerate(files.items()):
            tag = hashlib.sha256(text.encode()).hexdigest()[:32]
            kind = TYPES[pathlib.Path(name).suffix]
            out.write(f'{{"{name}", "{kind}", "\\"{tag}\\"", {{(const char *)bytes_{i}, sizeof bytes_{i}}}}},\n')
        out.write("{0},\n};\n")


def main():
    if len(sys.argv) != 4:
        die("usage: pack.py PAGES_FOLDER NPM_FOLDER_OR_NOTHING OUT_C")
    pages, npm, path = sys.argv[1:]
    write(gather(pathlib.Path(pages), pathlib.Path(npm)) if npm else {"index.html": MISSING}, path)


if __name__ == "__main__":
    main()
