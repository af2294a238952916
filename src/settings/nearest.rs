//! "Did you mean": the nearest of some names.

/// The name nearest to `wrong`, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near_enough = (wrong.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= near_enough || (wrong.len() > 3 && name.ends_with(wrong)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out or changed; two swapped neighbours count as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_when_it_may_have_been_meant() {
        let names = ["app_id", "app_key", "client_secret", "timeout"];
        assert_eq!(nearest("app_ky", names), Some("app_key"));
        assert_eq!(nearest("APP_ID", names), Some("app_id"));
        assert_eq!(nearest("timoeut", names), Some("timeout"));
        assert_eq!(nearest("secret", names), Some("client_secret"));
        assert_eq!(nearest("colour", names), None);
    }
}
