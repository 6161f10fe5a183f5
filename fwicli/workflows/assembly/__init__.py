"""Assembly: the one place where sections of a config become objects.

One module a kind of section, each with functions `build...` that take a section and return its
object. Where a section has several kinds, `build` is a `singledispatch` over their classes, so that
a new kind is one registered function. `inversion` builds all objects of an inversion, each once;
the plan carries them.
"""
