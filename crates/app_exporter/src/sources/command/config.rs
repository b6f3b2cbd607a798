//! The keys of the source `command`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{At, Fault, HiddenTemplate, Place, TargetString};
use crate::decode::{Format, Limits, PartInfo, Parts, Wanted};
use crate::sources::command::fetch::Command;
use crate::sources::command::success::Success;
use crate::sources::origin::{Fetcher, Origin, Surroundings};

/// The result set of the exit status.
pub(super) const EXIT: &str = "exit";

/// Output of a command. It runs without a shell. At the timeout it is killed; at its end, so is its process group. On Linux, so is every process that has its variable `EXPORTER_COMMAND_RUN`, even after `setsid`. Not ended are processes of another user, processes that drop this variable, and everything if the exporter itself is killed.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandConfig {
    /// The program and its arguments, as a list. All users of this machine can see them; put secrets in `environment`.
    pub(super) argv: Vec<At<TargetString>>,
    /// The format of standard output. Without it, only the result set `exit` exists: code, signal, seconds.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// Environment variables of the command. Besides these it gets `PATH`, `EXPORTER_COMMAND_RUN` and those of `pass_environment`.
    #[serde(default)]
    pub(super) environment: BTreeMap<String, At<HiddenTemplate>>,
    /// Environment variables to pass on unchanged.
    #[serde(default)]
    pub(super) pass_environment: Vec<String>,
    /// The working folder; default the folder of this file.
    #[serde(default)]
    pub(super) directory: Option<PathBuf>,
    /// Exit codes that mean success: a list, `any`, or `{bits: [3, 4]}` for codes without other bits; default 0.
    #[serde(default)]
    pub(super) success: Option<At<Success>>,
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
        let argument = |argument: &&At<TargetString>| argument.as_str().contains('\0');
        match self.argv.first() {
            Some(program) if !program.as_str().is_empty() => (),
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
        if let Some(success) = &self.success
            && **success == Success::Codes(Vec::new())
        {
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
                    format!("`{name}` is not the name of a variable; write at least one character, without `=`"),
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
