//! Where numbers are had. Each source yields rows; none knows metrics, schedules or its own health.

mod build;
mod command;
mod file;
mod files;
mod http;
mod login;
mod mapped;
mod metered;
mod origin;
mod path_pattern;
mod redis;
mod simulate;
mod sql;
mod table;
mod template;
mod tls;
pub(crate) mod utmp;
mod visit;
mod whole_file;

pub(crate) use build::{Built, build};
pub(crate) use command::CommandConfig;
pub(crate) use file::FileConfig;
pub(crate) use files::FilesConfig;
pub(crate) use http::HttpConfig;
pub(crate) use login::LoginConfig;
pub(crate) use redis::RedisConfig;
pub(crate) use simulate::SimulateConfig;
pub(crate) use sql::SqlConfig;
pub(crate) use table::{SOURCES, configured};
pub(crate) use template::{SourceTemplate, shown};
