"""`fwi invert`."""

from fwicli.cli.running import run_command

command = run_command(
    "invert",
    branches=True,
    rank=70,
    short_help="Invert shot records for the earth (full-waveform inversion).",
    help="Invert recorded data for the earth model described by CONFIG.",
    examples=(
        "invert invert.yaml -n",
        "invert invert.yaml -o runs/first --set inversion.bounds=[1400,5000]",
        "invert invert.yaml -o runs/first --resume",
        "invert invert.yaml -o runs/second --from runs/first@12",
    ),
)
