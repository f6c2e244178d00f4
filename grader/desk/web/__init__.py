"""How the desk is reached: the server, who may enter, and which request is answered by what."""
