"""How many of the data's known modes does a generator find?"""
