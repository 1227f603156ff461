"""What people use: a folder an application. They do not import each other."""
