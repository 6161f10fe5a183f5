"""`fwi model`."""

from fwicli.cli.running import run_command

command = run_command(
    "model",
    in_parts=True,
    rank=60,
    short_help="Model shot records of a known earth.",
    help="Model shot records of the earth that CONFIG describes.",
    examples=(
        "model model.yaml",
        "model model.yaml -o runs/first --set wavelet.frequency=8",
        "model model.yaml -o runs/first --resume",
        "model model.yaml -o runs/first --shots 0:100",
    ),
)
