-- additive: an index.

-- All doors of a listing, also those that are revoked: their names are erased with the account of the seller.
CREATE INDEX door_by_ticket ON door (ticket_id);
