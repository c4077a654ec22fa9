//! [`Call`]: a script and what it is given, as a command that can stand among others.

use ::redis::{Cmd, ErrorKind, Pipeline, RedisResult, Script, ServerErrorKind, ToRedisArgs, Value};

use super::source::Link;

/// A call of a script.
pub(super) struct Call<'a> {
    script: &'a Script,
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

impl<'a> Call<'a> {
    pub(super) const fn new(script: &'a Script) -> Self {
        Self { script, keys: Vec::new(), args: Vec::new() }
    }

    pub(super) fn key(&mut self, key: impl ToRedisArgs) -> &mut Self {
        key.write_redis_args(&mut self.keys);
        self
    }

    pub(super) fn arg(&mut self, arg: impl ToRedisArgs) -> &mut Self {
        arg.write_redis_args(&mut self.args);
        self
    }

    fn command(&self) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(self.keys.len()).arg(&self.keys).arg(&self.args);
        command
    }
}

/// Calls scripts, and then runs commands, all in one request over one connection: what is sent
/// again, by a client that follows a cluster, is sent again as a whole. Yields each answer; the
/// first error is that of the whole.
pub(super) async fn call(
    link: &mut Link,
    calls: &[&Call<'_>],
    then: impl IntoIterator<Item = Cmd>,
) -> RedisResult<Vec<Value>> {
    let mut commands = Pipeline::new();
    commands.ignore_errors();
    for call in calls {
        commands.add_command(call.command());
    }
    for command in then {
        commands.add_command(command);
    }
    let answers = run(link, &commands).await;
    let unknown = ErrorKind::Server(ServerErrorKind::NoScript);
    if !matches!(&answers, Err(error) if error.kind() == unknown) {
        return answers;
    }
    for call in calls {
        call.script.load_async(link).await?;
    }
    run(link, &commands).await
}

async fn run(link: &mut Link, commands: &Pipeline) -> RedisResult<Vec<Value>> {
    let answers: Vec<Value> = commands.query_async(link).await?;
    answers.into_iter().map(Value::extract_error).collect()
}
