//! What an account used, by UTC day.

use wharf_api::ErrorCode;
use wharf_api::ids::AccountId;
use wharf_core::store::{Answers, Error};

use crate::lane::Place;
use crate::sql::{Row, args, corrupt, statements};
use crate::store::SqlStore;

statements! {
    MESSAGES = "SELECT utc_day, messages FROM usage WHERE account_id = $1 AND utc_day >= $2 ORDER BY utc_day";
    ANSWERS = "SELECT utc_day, code, answers FROM usage_answers WHERE account_id = $1 AND utc_day >= $2 ORDER BY utc_day, code";
    /// What is counted late of an account that is gone is counted nowhere.
    ADD = "INSERT INTO usage_answers (account_id, utc_day, code, answers) SELECT id, $2, $3, $4 FROM accounts WHERE id = $1 \
        ON CONFLICT (account_id, utc_day, code) DO UPDATE SET answers = usage_answers.answers + excluded.answers";
}

fn answers(row: &mut Row) -> Result<Answers, Error> {
    let utc_day = row.int()?;
    let name = row.text()?;
    let known = || ErrorCode::ALL.iter().copied().find(|code| code.name() == name);
    let code = if name.is_empty() { None } else { Some(known().ok_or_else(|| corrupt(format!("the code {name:?}")))?) };
    Ok(Answers { utc_day, code, count: row.count()? })
}

impl SqlStore {
    pub(crate) async fn messages_since(&self, account: &AccountId, utc_day: i64) -> Result<Vec<(i64, u64)>, Error> {
        let mut rows = self.readers.fetch(&MESSAGES, args![account, utc_day]).await?;
        rows.iter_mut().map(|row| Ok((row.int()?, row.count()?))).collect()
    }

    pub(crate) async fn answers_since(&self, account: &AccountId, utc_day: i64) -> Result<Vec<Answers>, Error> {
        self.readers.fetch(&ANSWERS, args![account, utc_day]).await?.iter_mut().map(answers).collect()
    }

    pub(crate) async fn add_answers(&self, account: &AccountId, counted: &[Answers]) -> Result<(), Error> {
        let (owner, counted) = (account.clone(), counted.to_vec());
        self.write(Place::account(account), move |tx| {
            Box::pin(async move {
                for answers in &counted {
                    let code = answers.code.map_or("", ErrorCode::name);
                    tx.execute(&ADD, args![&owner, answers.utc_day, code, Some(answers.count)]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}
