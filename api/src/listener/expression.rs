//! The expressions of a listener, read before they are stored.

use domain::listener::SettingsPatch;
use expressions::{Filter, Problem, RequestTransform, ResultTransform};

use crate::user_error::{UserError, UserErrorCode};

/// Refuses settings with an expression that cannot be evaluated.
pub(super) fn check(settings: &SettingsPatch) -> Result<(), UserError> {
    let transform = &settings.transform;
    compile(&settings.filter, Filter::compile, &["filter"])?;
    let request = &["transform", "request"];
    compile(&transform.request, RequestTransform::compile, request)?;
    let result = &["transform", "result"];
    compile(&transform.result, ResultTransform::compile, result)
}

fn compile<T>(
    changed: &Option<Option<String>>,
    compile: impl FnOnce(&str) -> Result<T, Problem>,
    member: &[&str],
) -> Result<(), UserError> {
    let Some(Some(source)) = changed else {
        return Ok(());
    };
    let refused = |problem: Problem| {
        UserError::new(UserErrorCode::BadExpression, problem.to_string(), member)
            .within(&["input", "settings"])
    };
    compile(source).map(drop).map_err(refused)
}

#[cfg(test)]
mod tests {
    use domain::listener::{ListenerSettings, TransformPatch};

    use super::*;

    fn filter(source: &str) -> SettingsPatch {
        SettingsPatch {
            filter: Some(Some(source.to_owned())),
            ..SettingsPatch::default()
        }
    }

    #[test]
    fn what_is_not_set_or_removed_is_not_read() {
        assert_eq!(check(&SettingsPatch::default()), Ok(()));
        assert_eq!(check(&(&ListenerSettings::starting(None)).into()), Ok(()));
    }

    #[test]
    fn each_expression_is_refused_at_its_path_and_place() {
        assert_eq!(check(&filter("body.amount > 100")), Ok(()));
        let refused = check(&filter("body.amount >\n  amont")).unwrap_err();
        assert_eq!(refused.code, UserErrorCode::BadExpression);
        let place = "line 2, column 3: there is no variable `amont`";
        assert!(refused.message.starts_with(place), "{}", refused.message);
        let path = |error: UserError| error.path.unwrap().join(".");
        assert_eq!(path(refused), "input.settings.filter");
        let transform = |request: Option<&str>, result: Option<&str>| SettingsPatch {
            transform: TransformPatch {
                request: Some(request.map(str::to_owned)),
                result: Some(result.map(str::to_owned)),
            },
            ..SettingsPatch::default()
        };
        assert_eq!(check(&transform(Some("[body]"), Some("answer[0]"))), Ok(()));
        let request = check(&transform(Some("answer"), None)).unwrap_err();
        assert_eq!(path(request), "input.settings.transform.request");
        let result = check(&transform(None, Some("answer["))).unwrap_err();
        assert_eq!(path(result), "input.settings.transform.result");
    }
}
