//! The part of a configuration that names a program.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, HiddenTemplate, Place};
use crate::decode::{Format, Limits, PartInfo, Parts, Wanted};
use crate::sources::command::fetch::Command;
use crate::sources::origin::{Fetcher, Origin, Surroundings};

/// How the program ended.
pub(super) const EXIT: &str = "exit";

/// What a program prints. It is started without a shell and ended, with everything that it has started, when its time
/// is over.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandConfig {
    /// The program and its arguments, each by itself. Everyone on this machine can see them: a secret belongs in
    /// `environment`.
    pub(super) argv: Vec<At<String>>,
    /// How its standard output is read. Without it there is only its `exit`: code, signal, seconds.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// Variables of its environment. It has these, the passed ones and `PATH`, and no others.
    #[serde(default)]
    pub(super) environment: BTreeMap<String, At<HiddenTemplate>>,
    /// Variables that are passed on as they are.
    #[serde(default)]
    pub(super) pass_environment: Vec<String>,
    /// The folder that it runs in: this file's unless this says otherwise.
    #[serde(default)]
    pub(super) directory: Option<PathBuf>,
    /// The exit codes after which its output counts: 0 unless this says otherwise.
    #[serde(default)]
    pub(super) success: Option<At<Vec<i32>>>,
}

impl Origin for CommandConfig {
    fn parts(&self) -> Parts {
        let exit = PartInfo::new(EXIT, &["code", "signal", "seconds"]);
        Format::parts_beside(self.format.as_ref(), exit)
    }

    fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    fn check(&self, place: Place, faults: &mut Vec<Fault>) {
        let argument = |argument: &&At<String>| argument.contains('\0');
        match self.argv.first() {
            Some(program) if !program.is_empty() => (),
            Some(program) => faults.push(Fault::at(
                program.place(),
                "the program has no name; write it",
            )),
            None => faults.push(Fault::at(
                place,
                "`argv` is empty; write the program and its arguments",
            )),
        }
        if let Some(argument) = self.argv.iter().find(argument) {
            faults.push(Fault::at(
                argument.place(),
                "an argument can't have the character NUL; drop it",
            ));
        }
        if let Some(success) = self.success.as_ref().filter(|it| it.is_empty()) {
            faults.push(Fault::at(
                success.place(),
                "`success` is empty, so that no output counts; name the exit codes after which it does, or drop it",
            ));
        }
        for name in self.environment.keys().chain(&self.pass_environment) {
            if name.is_empty() || name.contains(['=', '\0']) {
                let name = name.escape_debug();
                faults.push(Fault::at(
                    place,
                    format!("`{name}` is no name of a variable; it is not empty and has no `=`"),
                ));
            }
        }
    }

    fn build(
        &self,
        wanted: Wanted,
        limits: Limits,
        surroundings: Surroundings<'_>,
    ) -> Result<Fetcher, Fault> {
        Ok(Fetcher::new(Command::new(
            self,
            wanted,
            limits,
            surroundings,
        )?))
    }
}
