//! The limit on open files, which is one on connections too.

/// The limit of this process, if the system shows it: on Linux.
pub(crate) fn limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    soft_limit(&limits)
}

fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_the_first_of_two() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max processes             95000                95000                processes \n\
             Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(limits), Some(1024));
        let unlimited = "Max open files            unlimited            unlimited            files";
        assert_eq!(soft_limit(unlimited), None);
        assert_eq!(soft_limit(""), None);
    }
}
