use secrecy::ExposeSecret as _;

use super::*;
use crate::aws::presigned;
use crate::units::Nanos;

/// A home whose program prints other keys each time, good for `life` seconds of the clock's.
fn minter(folder: &std::path::Path, clock: &Clock, expiry: &str) -> Arc<Minter> {
    let count = folder.join("count");
    let script = format!(
        "echo x >> {0}; n=$(wc -l < {0} | tr -d ' '); printf '{{\"Version\":1,\"AccessKeyId\":\"AKID%s\",\"SecretAccessKey\":\"canary\",\"Expiration\":\"2026-11-20T11:00:0%sZ\"}}' $n $n",
        count.display()
    );
    std::fs::create_dir_all(folder.join(".aws")).unwrap();
    let config = format!("[default]\ncredential_process = {script}\n");
    std::fs::write(folder.join(".aws/config"), config).unwrap();
    let surroundings = Surroundings::new([], Some(folder.to_owned()));
    let expiry = expiry.parse().unwrap();
    Minter::new(Service::SageMaker, "us-west-2", expiry, surroundings, clock.clone())
}

fn clock() -> Clock {
    Clock::by_hand("2026-11-20T10:00:00Z".parse().unwrap())
}

async fn token(minter: &Arc<Minter>) -> presigned::Presigned {
    let token = minter.token().await.unwrap();
    presigned::parse_token(token.expose_secret()).unwrap()
}

fn seconds(n: u64) -> Nanos {
    Nanos::from_millis(n * 1000)
}

/// Until the one who renews has finished.
async fn settle(minter: &Arc<Minter>) {
    tokio::task::yield_now().await;
    drop(minter.renewing.lock().await);
}

#[tokio::test]
async fn a_token_is_kept_until_a_tenth_of_its_life_is_left_and_renewed_beside() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let minter = minter(folder.path(), &clock, "10m");
    let first = token(&minter).await;
    assert_eq!((first.life_seconds(), first.last_four()), (600, "KID1"));

    clock.advance(seconds(539));
    assert_eq!(token(&minter).await.issued, first.issued);
    clock.advance(seconds(1));
    let old = token(&minter).await;
    assert_eq!(old.issued, first.issued, "nobody waits for the new one");
    settle(&minter).await;
    let new = token(&minter).await;
    assert_eq!((new.issued - first.issued).num_seconds(), 540);
    assert_eq!(new.last_four(), "KID1", "credentials that outlive the token are asked for once");
}

#[tokio::test]
async fn many_askers_make_one_token() {
    let folder = tempfile::tempdir().unwrap();
    let minter = minter(folder.path(), &clock(), "10m");
    let tokens = futures_util::future::join_all((0..50).map(|_| token(&minter))).await;
    assert!(tokens.iter().all(|token| token.last_four() == "KID1"));
    let runs = std::fs::read_to_string(folder.path().join("count")).unwrap();
    assert_eq!(runs.lines().count(), 1);
}

#[tokio::test]
async fn new_credentials_are_asked_for_before_the_old_ones_end() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let minter = minter(folder.path(), &clock, "10m");
    assert_eq!(token(&minter).await.last_four(), "KID1");
    clock.advance(seconds(3000));
    let later = token(&minter).await;
    assert_eq!(later.last_four(), "KID1");
    clock.advance(seconds(595));
    let fresh = token(&minter).await;
    settle(&minter).await;
    assert!(!fresh.has_ended(clock.wall()));
    assert_eq!(token(&minter).await.last_four(), "KID2");
}

#[tokio::test]
async fn without_credentials_the_error_says_where_they_were_looked_for() {
    let surroundings =
        Surroundings::new([("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())], None);
    let minter =
        Minter::new(Service::Bedrock, "us-west-2", Expiry::default(), surroundings, clock());
    let error = minter.token().await.unwrap_err().to_string();
    assert!(error.contains("not in the environment"), "{error}");
    assert_eq!(minter.describe(), "bedrock in us-west-2");
}
