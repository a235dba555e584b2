"""From the streams of the hosts to the database: the one way in for all that hosts say."""
