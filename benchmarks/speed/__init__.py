"""How fast a game is played: this tree, an earlier one, a bare loop and the tutorial's, interleaved."""
