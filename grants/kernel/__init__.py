"""Infrastructure that every chapter uses. It knows no rule of grants, only the keys by which things are filed."""
