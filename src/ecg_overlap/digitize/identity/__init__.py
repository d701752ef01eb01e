"""Which stroke goes on as which trace where two have touched: what the signals themselves say."""
