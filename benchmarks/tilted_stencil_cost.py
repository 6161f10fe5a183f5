"""Time of stencils for tilted anisotropy in C, relative to those of constant density.

    python benchmarks/tilted_stencil_cost.py [--rounds 9]

Order 8, 624 x 624 points, no layer, one thread, gcc with the flags of the kernels. The loops are
those of `equations/tti.py` without a layer, in the forms that save most:

    products        n n . grad(u) and of w along both axes kept in four arrays, then the update
    slopes          n . grad(u) and of w in two, multiplied by n at the neighbours in the update
    ... in blocks   the same for a few rows, while these are in the cache
    sweep           products in rings of rows, eight rows at a time, as kernels have them
    ... by field    the same, with each field in a function of its own: gcc has registers for the
                    addresses of some ten rows, and loads others at each use

Sizes are known to the compiler, as they are not in kernels. Times are the shortest of the rounds,
a step of each in turn, relative to constant density.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import click

FLAGS = "-O3 -march=native -ffast-math -fopenmp -mprefer-vector-width=512"
FIRST = (0.8, -0.2, 0.0380952387, -0.00357142862)
SECOND = (1.6, -0.2, 0.0253968248, -0.00178571425)
PLACES = (("[x+{0}][z]", "[x-{0}][z]"), ("[x][z+{0}]", "[x][z-{0}]"))
BASE = ("u", "un", "w", "wn", "n0", "n1", "e", "s", "c")
FLUXES, SLOPES = ("bu0", "bu1", "bw0", "bw1"), ("tu", "tw")
BLOCKS = (12, 24, 48)

HEAD = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#define N 640
#define Z 656
#define MIN(a,b) ((a)<(b)?(a):(b))
typedef float (*restrict F)[Z];
static double now(void){struct timespec t;clock_gettime(CLOCK_MONOTONIC,&t);
return t.tv_sec+1e-9*t.tv_nsec;}
"""


def slope(f: str, axis: int, factor: str = "") -> str:
    """Centred first difference of f, or of factor f, along an axis."""
    terms = []
    for k, weight in enumerate(FIRST, start=1):
        here, there = (place.format(k) for place in PLACES[axis])
        ahead, behind = (f"{factor}{p}*{f}{p}" if factor else f"{f}{p}" for p in (here, there))
        terms.append(f"{weight}f*({ahead}-{behind})")
    return f"({'+'.join(terms)})"


def laplacian(f: str) -> str:
    """Second differences along both axes."""
    terms = [f"-5.69444432f*{f}[x][z]"]
    for k, weight in enumerate(SECOND, start=1):
        sides = "+".join(f + p.format(k) for pair in PLACES for p in pair)
        terms.append(f"{weight}f*({sides})")
    return f"({'+'.join(terms)})"


def loop(body: str, first: str = "8", last: str = "632", rim: int = 0) -> str:
    """Over rows and points of them."""
    return (
        f"for(int x={first};x<{last};x++){{\n#pragma omp simd\n"
        f"for(int z={16 - rim};z<{640 + rim};z++){{{body}}}}}\n"
    )


def function(name: str, arguments: tuple[str, ...], body: str) -> str:
    """One step."""
    return (
        f"__attribute__((noinline)) void {name}({', '.join(f'F {a}' for a in arguments)})"
        f"{{\n{body}}}\n"
    )


def bodies() -> dict[str, tuple[tuple[str, ...], str, str]]:
    """Arrays between the two loops, and what they do, by form."""
    update = (
        "un[x][z]=(h*e[x][z]+v*s[x][z])*c[x][z]+2.0f*u[x][z]-un[x][z];"
        "wn[x][z]=(h*s[x][z]+v)*c[x][z]+2.0f*w[x][z]-wn[x][z];"
    )
    along = {f: f"{slope(f, 0)}*n0[x][z]+{slope(f, 1)}*n1[x][z]" for f in "uw"}
    fluxes = "".join(
        f"float t{f}={along[f]};b{f}0[x][z]=t{f}*n0[x][z];b{f}1[x][z]=t{f}*n1[x][z];" for f in "uw"
    )
    slopes = "".join(f"t{f}[x][z]={along[f]};" for f in "uw")
    of_fluxes = (
        f"float h={laplacian('u')}-{slope('bu0', 0)}-{slope('bu1', 1)};"
        f"float v={slope('bw0', 0)}+{slope('bw1', 1)};{update}"
    )
    of_slopes = (
        f"float h={laplacian('u')}-{slope('tu', 0, 'n0')}-{slope('tu', 1, 'n1')};"
        f"float v={slope('tw', 0, 'n0')}+{slope('tw', 1, 'n1')};{update}"
    )
    return {"products": (FLUXES, fluxes, of_fluxes), "slopes": (SLOPES, slopes, of_slopes)}


def sweeps() -> str:
    """Functions for a step by a sweep, with all fields of a row in one loop, and in loops apart."""
    taken = ", ".join(f"const float*restrict p{k}" for k in range(8))
    of_rows = "+".join(
        f"{weight}f*(p{3 + k}[z]-p{4 - k}[z])" for k, weight in enumerate(FIRST, start=1)
    )
    of_row = slope("b", 1).replace("b[x]", "b")
    head = "{\n#pragma omp simd\nfor(int z=16;z<640;z++)"
    text = "static float g[7][32][Z] __attribute__((aligned(64)));\n"
    for name, inline in (
        ("whole", "inline __attribute__((always_inline))"),
        ("apart", "__attribute__((noinline))"),
    ):
        static = f"static {inline} void {name}_"
        text += (
            f"{static}slope(F u,int x,const float*restrict n0,const float*restrict n1,"
            f"float*restrict b0,float*restrict b1){head}{{float t={slope('u', 0)}*n0[z]"
            f"+{slope('u', 1)}*n1[z];b0[z]=t*n0[z];b1[z]=t*n1[z];}}}}\n"
            f"{static}laplacian(F u,int x,float*restrict l){head} l[z]={laplacian('u')};}}\n"
            f"{static}divergence({taken},const float*restrict b,float*restrict v)"
            f"{head} v[z]={of_rows}+{of_row};}}\n"
            f"{static}update(int x,F u,F un,F w,F wn,F e,F s,F c,const float*restrict l,"
            f"const float*restrict d,const float*restrict v){head}{{float h=l[z]-d[z];"
            "un[x][z]=(h*e[x][z]+v[z]*s[x][z])*c[x][z]+2.0f*u[x][z]-un[x][z];"
            "wn[x][z]=(h*s[x][z]+v[z])*c[x][z]+2.0f*w[x][z]-wn[x][z];}}\n"
        )
        rows = ",".join(f"g[{{0}}][(x{k:+d})&31]" for k in (-4, -3, -2, -1, 1, 2, 3, 4))
        body = "for(int b=0;b<632;b+=8){int a=b<8?4:b+4,o=MIN(b+12,636);\n"
        body += "for(int x=a;x<o;x++){"
        body += "".join(
            f"{name}_slope({f},x,n0[x],n1[x],g[{i}][x&31],g[{i + 1}][x&31]);"
            for f, i in (("u", 0), ("w", 2))
        )
        body += f"{name}_laplacian(u,x,g[4][x&31]);}}\nfor(int x=b<8?8:b;x<MIN(b+8,632);x++){{"
        body += "".join(
            f"{name}_divergence({rows.format(i)},g[{i + 1}][x&31],g[{to}][x&31]);"
            for i, to in ((0, 5), (2, 6))
        )
        body += f"{name}_update(x,u,un,w,wn,e,s,c,g[4][x&31],g[5][x&31],g[6][x&31]);}}}}"
        text += function(f"sweep_{name}", BASE, body)
    return text


def program(rounds: int) -> str:
    """The whole of it."""
    density = f"un[x][z]=2.0f*u[x][z]-un[x][z]+c[x][z]*{laplacian('u')};"
    code = HEAD + function("density", ("u", "un", "c"), loop(density))
    calls = {"constant density": "density(P(k&1),P(1-(k&1)),P(8))"}
    base = "P(k&1),P(1-(k&1)),P(2+(k&1)),P(3-(k&1)),P(4),P(5),P(6),P(7),P(8)"
    for name, (between, before, after) in bodies().items():
        whole = loop(before, "4", "636", rim=4) + loop(after)
        code += function(name, BASE + between, whole)
        arrays = ",".join(f"P({9 + i})" for i in range(len(between)))
        calls[name] = f"{name}({base},{arrays})"
        for rows in BLOCKS:
            kept = "".join(
                f"static float {a}_[{rows + 8}][Z] __attribute__((aligned(64)));" for a in between
            )
            moved = "".join(f"float (*{a})[Z]={a}_-(b-4);" for a in between)
            end = f"MIN(b+{rows},632)"
            inner = loop(before, "b-4", f"{end}+4", rim=4) + loop(after, "b", end)
            body = f"{kept}\nfor(int b=8;b<632;b+={rows}){{{moved}\n{inner}}}"
            code += function(f"{name}{rows}", BASE, body)
            calls[f"{name}, in blocks of {rows} rows"] = f"{name}{rows}({base})"
    code += sweeps()
    calls |= {"sweep": f"sweep_whole({base})", "sweep, by field": f"sweep_apart({base})"}
    timed = "".join(
        f"t=now();for(int k=0;k<40;k++){{{call};}}t=now()-t;if(t<best[{i}])best[{i}]=t;\n"
        for i, call in enumerate(calls.values())
    )
    told = "".join(
        f'printf("%-32s %.2f\\n","{name}",best[{i}]/best[0]);' for i, name in enumerate(calls)
    )
    return (
        code
        + f"""
#define P(i) ((F)a[i])
int main(void){{float*a[13];double t,best[{len(calls)}];
for(int i=0;i<{len(calls)};i++)best[i]=1e9;
for(int i=0;i<13;i++)a[i]=aligned_alloc(4096,sizeof(float)*N*Z);
for(int r=0;r<{rounds};r++){{
for(int i=0;i<13;i++)for(long k=0;k<N*Z;k++)a[i][k]=i<4?1e-3f*(k%17):1e-2f+1e-6f*(k%13);
{timed}}}
{told}return 0;}}
"""
    )


@click.command()
@click.option("--rounds", default=9, show_default=True)
def main(rounds: int) -> None:
    """Compile, run and print."""
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder) / "step.c", Path(folder) / "step"
        source.write_text(program(rounds), encoding="utf-8")
        subprocess.run(["gcc", *FLAGS.split(), str(source), "-o", str(binary)], check=True)
        subprocess.run([str(binary)], check=True)


if __name__ == "__main__":
    main()
