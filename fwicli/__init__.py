"""Seismic full-waveform inversion and reverse-time migration.

This is the public API; its modules are imported when a name is first used.

Waves
    Propagator              operators F, F^T, J, J^T and H of a wave equation
    Discretization          equation, grid, time axis, layer and precision of a propagator
    AbsorbingLayer          absorbing layer and free sides; SURFACE is a free surface at the top
    TimeAxis, time_axis     recorded samples and the stable time step below them
    HistoryOptions          storage of the forward field for gradients
    subsampling             steps between snapshots that a frequency needs
    Simulation              several shots, for `fwicli.autograd` and `fwicli.operators`
    Verification            dot tests and Taylor tests of a propagator
Equations
    EQUATIONS               all wave equations by name
    parameters              parameters of an equation from vp, rho and other properties
Survey
    Grid, EarthModel        points and properties of the earth
    Acquisition, Gathers    positions of shots and receivers, and their records
    ExtendedSource          source with weights in a volume
    FullField               source or record at all points of the grid
    PositionDerivative      derivatives with respect to positions of sources or receivers
    ricker, ormsby, times   wavelets, and the times of their samples
    Spectrum, Band          spectrum of a wavelet, and frequency bands
    regrid                  an earth model on another grid
Shots over workers
    Executor, InProcess, Local, Processes, cores, available
Inversion
    Objective, experiments, LeastSquares, MISFITS
    Lbfgs, Problem          an optimizer and the problem that it minimises
Files and configs
    load_config, read_gathers, write_gathers

Old names stand in `DEPRECATED`: name them there when a public name changes.
"""

from __future__ import annotations

from fwicli.deprecation import lazy

__version__ = "0.1.0"

# Public names, and where they are defined: `module`, or `module:name` where the names differ.
PUBLIC = {
    "AbsorbingLayer": "fwicli.propagators.absorbing",
    "Acquisition": "fwicli.survey.acquisition",
    "Band": "fwicli.survey.bands",
    "Discretization": "fwicli.propagators.discretization",
    "EQUATIONS": "fwicli.propagators.equations.registry",
    "EarthModel": "fwicli.survey.model",
    "Executor": "fwicli.execution",
    "ExtendedSource": "fwicli.propagators.locations",
    "FullField": "fwicli.propagators.locations",
    "Gathers": "fwicli.survey.gathers",
    "Grid": "fwicli.survey.grid",
    "HistoryOptions": "fwicli.propagators.history",
    "InProcess": "fwicli.execution",
    "LeastSquares": "fwicli.inversion.misfits.residuals",
    "Lbfgs": "fwicli.inversion.optimizers.lbfgs",
    "Local": "fwicli.execution",
    "MISFITS": "fwicli.inversion.misfits.registry",
    "Objective": "fwicli.inversion.objective",
    "PositionDerivative": "fwicli.propagators.locations",
    "Problem": "fwicli.inversion.optimizers.optimizer",
    "Processes": "fwicli.execution",
    "Propagator": "fwicli.propagators.propagator",
    "SURFACE": "fwicli.propagators.absorbing",
    "Simulation": "fwicli.simulation",
    "Spectrum": "fwicli.survey.wavelets",
    "TimeAxis": "fwicli.propagators.sampling.stability",
    "Verification": "fwicli.propagators.verification",
    "available": "fwicli.execution",
    "cores": "fwicli.execution",
    "experiments": "fwicli.inversion.shots.experiments",
    "load_config": "fwicli.config.loader:load",
    "ormsby": "fwicli.survey.wavelets",
    "parameters": "fwicli.propagators.equations.properties",
    "read_gathers": "fwicli.files.records",
    "regrid": "fwicli.survey.regridding:coarsened",
    "ricker": "fwicli.survey.wavelets",
    "subsampling": "fwicli.propagators.history",
    "time_axis": "fwicli.propagators.sampling.stability",
    "times": "fwicli.survey.wavelets",
    "write_gathers": "fwicli.files.hdf5",
}
# Old names of this package, and the public names that replace them.
DEPRECATED = {
    "Everywhere": "FullField",
    "Keeping": "HistoryOptions",
    "Volume": "ExtendedSource",
    "Waves": "Simulation",
}

__all__ = sorted(PUBLIC)
__getattr__ = lazy(__name__, PUBLIC, DEPRECATED)
