//! The combinations of a case's matrix.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::suite::Matrix;

/// One combination: a value for each name.
pub(super) type Cell = BTreeMap<String, Value>;

/// Every combination, the last name turning fastest. A case without a matrix has one, empty.
pub(super) fn cells(matrix: &Matrix) -> Vec<Cell> {
    let mut cells = vec![Cell::new()];
    for (name, values) in matrix {
        cells = cells
            .iter()
            .flat_map(|cell| {
                values.iter().map(move |value| {
                    let mut cell = cell.clone();
                    cell.insert(name.clone(), value.clone());
                    cell
                })
            })
            .collect();
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_matrix_of_two_by_two_has_four_cells() {
        let matrix: Matrix = [
            ("stream".to_owned(), vec![json!(false), json!(true)]),
            ("usage".to_owned(), vec![json!(1), json!(2)]),
        ]
        .into();

        let all = cells(&matrix);

        assert_eq!(all.len(), 4);
        assert_eq!(all[1]["stream"], json!(false));
        assert_eq!(all[1]["usage"], json!(2));
    }

    #[test]
    fn a_case_without_a_matrix_runs_once() {
        assert_eq!(cells(&Matrix::new()), [Cell::new()]);
    }
}
