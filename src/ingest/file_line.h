/* file_line: what a record of a file of rows turned out to be; the same for every kind of row. */
#ifndef HY_INGEST_FILE_LINE_H
#define HY_INGEST_FILE_LINE_H

enum file_line {
    FILE_LINE_NOTHING, /* empty, or the names of the columns */
    FILE_LINE_ROW,
    FILE_LINE_WRONG,      /* why says it, the field and, of CSV, (why->column) which column it is, from 1 */
    FILE_LINE_HEAD_WRONG, /* the names of the columns are: no line of the file can be read */
};

#endif
