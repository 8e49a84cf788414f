-- additive: the search index under its name, and a column that may be null. The previous release searches the index by
-- words without case, and its changes are indexed anew by this release.

-- The version whose words are in the search index. The service folds and separates the words (libs/text), which SQL cannot.
ALTER TABLE listing ADD COLUMN indexed_version INTEGER;
CREATE INDEX listing_not_indexed ON listing (number) WHERE indexed_version IS NOT version;

DROP TRIGGER listing_words_of_new;
DROP TRIGGER listing_words_of_changed;
DROP TABLE listing_words;

-- The words of each listing, separated by spaces. The tokenizer separates at ASCII punctuation besides, of which the words
-- have none but these symbols. https://sqlite.org/fts5.html#contentless_delete_tables
CREATE VIRTUAL TABLE listing_words USING fts5 (
    title, description, venue,
    content = '', contentless_delete = 1,
    tokenize = "ascii tokenchars '$+<=>^`|~'", prefix = '1 2 3'
);

-- As they are, until the service has indexed them.
INSERT INTO listing_words (rowid, title, description, venue) SELECT number, title, description, venue FROM listing;

-- A listing that the previous release creates.
CREATE TRIGGER listing_words_of_previous_release AFTER INSERT ON listing WHEN NEW.indexed_version IS NULL
BEGIN
    INSERT INTO listing_words (rowid, title, description, venue)
    VALUES (NEW.number, NEW.title, NEW.description, NEW.venue);
END;
