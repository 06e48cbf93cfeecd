//! [`Table`]: text in aligned columns.

use std::fmt;

/// The alignment of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells; each column is as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    align: [Align; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(align: [Align; COLUMNS]) -> Self {
        Table { align, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [impl Into<String>; COLUMNS]) {
        self.rows.push(cells.map(Into::into));
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    /// Writes two spaces between columns, no trailing spaces, and a line break after each row.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        });
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                let gap = if column == 0 { "" } else { "  " };
                line += &match self.align[column] {
                    Align::Left => format!("{gap}{cell:<width$}"),
                    Align::Right => format!("{gap}{cell:>width$}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_spaces() {
        let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
        table.row(["executor", "n", "note"]);
        table.row(["in", "100", ""]);
        assert_eq!(table.to_string(), "executor    n  note\nin        100\n");
    }

    #[test]
    fn an_empty_table_is_an_empty_string() {
        assert_eq!(Table::new([Align::Left]).to_string(), "");
    }
}
