"""The steps. One that is out is never changed."""
