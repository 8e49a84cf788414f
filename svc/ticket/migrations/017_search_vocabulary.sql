-- additive: a virtual table, which stores nothing.

-- The words of the search index, as they are in it. https://sqlite.org/fts5.html#the_fts5vocab_virtual_table_module
CREATE VIRTUAL TABLE listing_vocabulary USING fts5vocab (listing_words, instance);
