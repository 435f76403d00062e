"""The API's resources, one module each: the models first, then the class with the methods."""
