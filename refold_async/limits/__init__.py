"""Decides who may send when. Depends on neither HTTP nor jobs."""
