//! A file from WhatsApp. One that its servers have lost is asked of the phone, which brings it again.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use wacore_binary::Jid;
use wharf_core::engine::{Downloaded, Error};
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::client::Client;
use whatsapp_rust::download::DownloadParams;
use whatsapp_rust::features::{MediaRetryResult, MediaReuploadError, MediaReuploadRequest};

use super::{Source, failure, local, media_type};

/// The answers of a media server that has the file no more by this path. With 403 the library has shown a fresh token once before.
const LOST: [u16; 3] = [403, 404, 410];

/// Fetches and decrypts the file into `scratch`, which then stands at its beginning. The library checks what came and leaves nothing
/// there that is damaged. `ask_phone` where the phone may be asked for it. [`Error::NotFound`] where neither WhatsApp nor the phone has the file.
pub(crate) async fn download(client: Arc<Client>, source: Source, scratch: File, ask_phone: bool) -> Result<Downloaded, Error> {
    // The library keeps the file that it is given when it fails.
    let second = scratch.try_clone().map_err(|error| local(&error.into()))?;
    let mut file = match fetch(&client, &source, scratch).await {
        Ok(file) => file,
        Err(error) if error.http_status().is_some_and(|status| LOST.contains(&status)) => {
            if !ask_phone {
                return Err(Error::Refused("asking the phone again is switched off".to_owned()));
            }
            let direct_path = again(&client, &source).await?;
            fetch(&client, &Source { direct_path, ..source.clone() }, second).await.map_err(|error| failure(&error))?
        }
        Err(error) => return Err(failure(&error)),
    };
    file.seek(SeekFrom::Start(0)).map_err(|error| local(&error.into()))?;
    Ok(Downloaded { file, sha256: source.file_sha256.try_into().ok() })
}

async fn fetch(client: &Client, source: &Source, scratch: File) -> anyhow::Result<File> {
    let params = DownloadParams::encrypted(
        source.direct_path.clone(),
        &source.media_key,
        &source.file_sha256,
        &source.file_enc_sha256,
        source.size,
        media_type(source.kind),
    );
    client.download_from_params_to_writer(&params, scratch).await
}

/// Has the phone bring the file again; gives where it lies then.
async fn again(client: &Client, source: &Source) -> Result<String, Error> {
    let unknown = || Error::Refused("it is not known which message the file came with".to_owned());
    let origin = source.origin.as_ref().ok_or_else(unknown)?;
    let jid = |text: &str| text.parse::<Jid>().map_err(|_| unknown());
    let (chat, participant) = (jid(&origin.chat)?, origin.participant.as_deref().map(jid).transpose()?);
    let request = MediaReuploadRequest {
        msg_id: &origin.wa_id,
        chat_jid: &chat,
        media_key: &source.media_key,
        is_from_me: origin.from_me,
        participant: participant.as_ref(),
    };
    match client.media_reupload().request(&request).await {
        Ok(MediaRetryResult::Success { direct_path }) => Ok(direct_path),
        Ok(MediaRetryResult::NotFound) => Err(Error::NotFound),
        Ok(_) => Err(Error::Refused("the phone could not bring the file again".to_owned())),
        // The phone is off, or takes its time.
        Err(MediaReuploadError::Timeout) => Err(Error::Timeout),
        Err(MediaReuploadError::Client(_) | MediaReuploadError::NotLoggedIn) => Err(Error::NotConnected),
        Err(error) => {
            tracing::warn!(%error, "a file could not be asked for again");
            Err(Error::Refused("the file could not be asked for again".to_owned()))
        }
    }
}
