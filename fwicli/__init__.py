"""Seismic full-waveform inversion and reverse-time migration.

This is the public API; its modules are imported when a name is first used.

Waves
    Propagator              operators F, F^T, J, J^T and H of a wave equation
    Discretization          equation, grid, time axis, layer and precision of a propagator
    AbsorbingLayer          absorbing layer and free sides; SURFACE is a free surface at the top
    TimeAxis, time_axis     recorded samples and the stable time step below them
    Stencil                 order and weights of the differences in space
    HistoryOptions          storage of the forward field for gradients
    subsampling             steps between snapshots that a frequency needs
    Simulation              several shots, for `fwicli.autograd` and `fwicli.operators`
    Verification            dot tests and Taylor tests of a propagator
    devito_operator         Devito's operator of a kernel, by `Discretization.signature`: its code
Equations
    EQUATIONS               all wave equations by name; own_equation names that of a file
    Equation, Channel, Footprint, Limit     statement of a wave equation
    parameters              parameters of an equation from vp, rho and other properties
    PROPERTIES              units, signs and values of the properties of the earth
Survey
    Grid, EarthModel        points and properties of the earth
    Acquisition, Gathers    positions of shots and receivers, and their records
    Component, Traces       what is recorded or emitted; samples in memory or in files
    ExtendedSource          source with weights in a volume
    FullField               source or record at all points of the grid
    PositionDerivative      derivatives with respect to positions of sources or receivers
    ricker, ormsby, times   wavelets, and the times of their samples
    Spectrum, Band          spectrum of a wavelet, and frequency bands
    regrid                  an earth model on another grid
Shots over workers
    Executor, InProcess, Local, Processes, cores, available
    start_workers, ExecutionSection     the executor of a section `execution`, also over Dask
    sum_tasks, Stack, Window            sums over shots of values in windows of a grid
Inversion
    Objective, experiments  misfit of a survey and its gradient, from its shots
    MISFITS, Misfit, LeastSquares
    Variable, Variables, PARAMETERIZATIONS      unknowns of an inversion
    Lbfgs, Problem          an optimizer and the problem that it minimises
Images
    SubsurfaceOffset, TimeShift         gathers of lags, for `operators.extended_imaging`
    UpDown, LeftRight, Excitation       images of separated fields, and of their strongest arrival
    SlantStack, TimeShiftStack, residual_moveout        angle gathers of subsurface offsets or time
                                    shifts, and their curvature; local_dips of an image
    velocity_ratios         moveout of images by surface offset or shot, for `operators`
Files and configs
    load_config, LoadedConfig       a config with its defaults
    make_plan, Plan                 checks and numbers before a run
    forecast_stages, forecast_summary       time and memory of a plan; grid_error_of_shot measures
                                    the error of its grid
    read_gathers, write_gathers     shot records; read_array, read_history, read_state and
                                    read_wavelets read results
    read_segy, write_segy           shot records of SEG-Y and SU: byte_map, header_field and
                                    SegyGrouping say how they are read, SegyWriting how written;
                                    writing_segy and SegyForm write trace by trace
    earth_model, Regridding         earth model of a config; another grid, with its transpose
Runs
    run_model, run_inversion, run_migration     the commands; Silent follows their progress
    reflectivity_correlation        an image beside the reflectivity of a model
    check_shots             shots modelled and compared with their records: what is wrong, and cures
    compare_arrivals, stack_comparisons, Diagnosis      the diagnosis of first arrivals
    FwiError                any error that is explained to the user

Old names stand in `DEPRECATED`: name them there when a public name changes.
"""

from __future__ import annotations

from fwicli.deprecation import lazy

__version__ = "0.1.0"

# Public names, and where they are defined: `module`, or `module:name` where the names differ.
PUBLIC = {
    "AbsorbingLayer": "fwicli.propagators.absorbing",
    "Acquisition": "fwicli.survey.acquisition",
    "Band": "fwicli.survey.signals.bands",
    "Channel": "fwicli.propagators.equations.channel",
    "Component": "fwicli.survey.components",
    "Diagnosis": "fwicli.inversion.quality.diagnosis",
    "Discretization": "fwicli.propagators.discretization",
    "devito_operator": "fwicli.propagators.kernels.generation:operator_of",
    "EQUATIONS": "fwicli.propagators.equations.registry",
    "EarthModel": "fwicli.survey.model",
    "Equation": "fwicli.propagators.equations.equation",
    "Excitation": "fwicli.imaging.extended.excitation",
    "ExecutionSection": "fwicli.config.execution",
    "Executor": "fwicli.execution",
    "ExtendedSource": "fwicli.propagators.locations",
    "Footprint": "fwicli.propagators.equations.footprint",
    "FullField": "fwicli.propagators.locations",
    "FwiError": "fwicli.errors",
    "Gathers": "fwicli.survey.gathers",
    "Grid": "fwicli.survey.grid",
    "HistoryOptions": "fwicli.propagators.history",
    "InProcess": "fwicli.execution",
    "Lbfgs": "fwicli.inversion.optimizers.lbfgs",
    "LeastSquares": "fwicli.inversion.misfits.residuals",
    "LeftRight": "fwicli.imaging.extended.separation",
    "Limit": "fwicli.propagators.equations.equation",
    "LoadedConfig": "fwicli.config.loader:Loaded",
    "Local": "fwicli.execution",
    "MISFITS": "fwicli.inversion.misfits.registry",
    "Misfit": "fwicli.inversion.misfits.misfit",
    "Objective": "fwicli.inversion.objective",
    "PARAMETERIZATIONS": "fwicli.inversion.unknowns.parameterization",
    "PROPERTIES": "fwicli.survey.properties",
    "Plan": "fwicli.workflows.planning.plan",
    "Points": "fwicli.survey.points",
    "PositionDerivative": "fwicli.propagators.locations",
    "Problem": "fwicli.inversion.optimizers.optimizer",
    "Processes": "fwicli.execution",
    "Propagator": "fwicli.propagators.propagator",
    "Regridding": "fwicli.survey.regridding",
    "SURFACE": "fwicli.propagators.absorbing",
    "SegyForm": "fwicli.segy.writer:Form",
    "SegyGrouping": "fwicli.segy.survey:Grouping",
    "SegyWriting": "fwicli.segy.records:Writing",
    "Silent": "fwicli.workflows.run_folder.progress",
    "Simulation": "fwicli.simulation",
    "SlantStack": "fwicli.imaging.extended.angle_stacks",
    "Spectrum": "fwicli.survey.signals.wavelets",
    "Stack": "fwicli.survey.stacks",
    "Stencil": "fwicli.propagators.equations.stencils",
    "SubsurfaceOffset": "fwicli.imaging.extended.lags",
    "TimeAxis": "fwicli.propagators.sampling.stability",
    "TimeShift": "fwicli.imaging.extended.lags",
    "TimeShiftStack": "fwicli.imaging.extended.angle_stacks",
    "Traces": "fwicli.survey.traces",
    "UpDown": "fwicli.imaging.extended.separation",
    "Variable": "fwicli.inversion.unknowns.variables",
    "Variables": "fwicli.inversion.unknowns.variables",
    "Verification": "fwicli.propagators.verification",
    "Window": "fwicli.survey.windows",
    "available": "fwicli.execution",
    "byte_map": "fwicli.segy.fields",
    "check_shots": "fwicli.workflows.quality.one_shot:check",
    "compare_arrivals": "fwicli.inversion.quality.diagnosis:compare",
    "config_schema": "fwicli.config.reference:json_schema",
    "cores": "fwicli.execution",
    "earth_model": "fwicli.workflows.assembly.survey",
    "experiments": "fwicli.inversion.shots.experiments",
    "forecast_stages": "fwicli.workflows.planning.costs.forecast:stages",
    "forecast_summary": "fwicli.workflows.planning.costs.forecast:summary",
    "grid_error_of_shot": "fwicli.workflows.quality.grid_error:error_of_shot",
    "header_field": "fwicli.segy.fields:field",
    "load_config": "fwicli.config.loader:load",
    "local_dips": "fwicli.imaging.extended.angle_stacks",
    "make_plan": "fwicli.workflows.planning.plan",
    "modelling_tasks": "fwicli.workflows.model",
    "ormsby": "fwicli.survey.signals.wavelets",
    "own_equation": "fwicli.propagators.equations.own",
    "parameters": "fwicli.propagators.equations.properties",
    "read_array": "fwicli.files.hdf5",
    "read_gathers": "fwicli.files.records",
    "read_history": "fwicli.files.hdf5",
    "read_segy": "fwicli.segy.gathers:read_gathers",
    "read_state": "fwicli.files.hdf5",
    "read_wavelets": "fwicli.files.hdf5",
    "reflectivity_correlation": "fwicli.imaging.reflectivity:correlation",
    "regrid": "fwicli.survey.regridding:coarsened",
    "residual_moveout": "fwicli.imaging.extended.gathers:moveout",
    "ricker": "fwicli.survey.signals.wavelets",
    "run_inversion": "fwicli.workflows.invert:run",
    "run_migration": "fwicli.workflows.rtm:run",
    "run_model": "fwicli.workflows.model:run",
    "stack_comparisons": "fwicli.inversion.quality.diagnosis:stacked",
    "start_workers": "fwicli.workflows.assembly.executors:start",
    "subsampling": "fwicli.propagators.history",
    "sum_tasks": "fwicli.execution:total",
    "time_axis": "fwicli.propagators.sampling.stability",
    "times": "fwicli.survey.signals.wavelets",
    "velocity_ratios": "fwicli.imaging.extended.velocities",
    "write_gathers": "fwicli.files.hdf5",
    "write_segy": "fwicli.segy.records:write_gathers",
    "writing_segy": "fwicli.segy.writer:writing",
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
