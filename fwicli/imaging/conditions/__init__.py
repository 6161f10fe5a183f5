"""Imaging conditions: linear maps from an image to changes of the parameters, with transposes.

A condition is one class. With J the Born modelling of the equation, its image is C^T J^T d, and its
migrated data J C image, an exact pair whatever the condition.
"""
