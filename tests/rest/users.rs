//! Users, activation and forgotten passwords (`docs/protocol.md`).

use reqwest::{Method, StatusCode, header, redirect::Policy};
use serde_json::{Value, json};

use crate::deed::{
    deed, run,
    world::{Answer, World, sign_in},
};

const OK: StatusCode = StatusCode::OK;
const BAD: StatusCode = StatusCode::BAD_REQUEST;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const UNKNOWN: &str = "784f394c-42b6-11f0-983c-b7beff2784f9";
const NOBODY: &str = "13814000-1dd2-11b2-8080-808080808080";
const PASSWORD: &str = "secret-password";

/// The demo with its operator signed in, and what the tests call.
struct Users {
    world: World,
    operator: String,
}

impl Users {
    async fn start() -> Self {
        let world = World::start().await;
        let operator = sign_in(&world.client, &world.server.url, "sysadmin@thingsboard.org", "sysadmin").await;
        Self { world, operator }
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.world.call(Method::GET, path, Some(token), None).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.world.call(Method::POST, path, Some(token), Some(body)).await
    }

    async fn save(&self, token: &str, user: Value) -> Answer {
        self.post(token, "/api/user?sendActivationMail=false", user).await
    }

    /// A new user of customer A.
    async fn add(&self, email: &str) -> Value {
        let customer = self.world.owner_of(&self.world.customer_a).await;
        let user = json!({"email": email, "authority": "CUSTOMER_USER", "customerId": {"id": customer}});
        let (status, user) = self.save(&self.world.tenant, user).await;
        assert_eq!(status, OK, "{user}");
        user
    }

    async fn me(&self, token: &str) -> Value {
        let (_, me) = self.get(token, "/api/auth/user").await;
        self.get(token, &format!("/api/user/{}", id(&me))).await.1
    }

    async fn text(&self, token: &str, path: &str) -> (StatusCode, String, String) {
        let request = self.world.client.get(format!("{}{path}", self.world.server.url));
        let request = request.header("X-Authorization", format!("Bearer {token}")).header("Accept", "application/json");
        let answer = request.send().await.unwrap();
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        (answer.status(), kind, answer.text().await.unwrap())
    }

    /// The secret of the user's activation link.
    async fn activation(&self, user: &Value) -> String {
        let path = format!("/api/user/{}/activationLink", id(user));
        let (status, kind, link) = self.text(&self.world.tenant, &path).await;
        assert_eq!((status, kind.as_str()), (OK, "text/plain;charset=UTF-8"), "{link}");
        let prefix = format!("{}/api/noauth/activate?activateToken=", self.world.server.url);
        link.strip_prefix(&prefix).unwrap_or_else(|| panic!("{link}")).to_owned()
    }

    async fn noauth(&self, path: &str, body: Value) -> Answer {
        self.world.call(Method::POST, &format!("/api/noauth/{path}"), None, Some(body)).await
    }

    /// The status of a link, and where it leads.
    async fn follow(&self, path: &str) -> (u16, Option<String>) {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let answer = client.get(format!("{}/api/noauth/{path}", self.world.server.url)).send().await.unwrap();
        Self::told(&answer)
    }

    /// The same for a browser.
    async fn browse(&self, path: &str) -> (u16, Option<String>) {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let request = client.get(format!("{}/api/noauth/{path}", self.world.server.url));
        Self::told(&request.header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8").send().await.unwrap())
    }

    fn told(answer: &reqwest::Response) -> (u16, Option<String>) {
        let place = answer.headers().get(header::LOCATION).map(|place| place.to_str().unwrap().to_owned());
        (answer.status().as_u16(), place)
    }

    async fn log_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({"username": email, "password": password});
        self.world.call(Method::POST, "/api/auth/login", None, Some(body)).await
    }
}

fn id(entity: &Value) -> &str {
    entity["id"]["id"].as_str().unwrap_or_else(|| panic!("{entity}"))
}

fn message(answer: &Answer) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["message"].as_str().unwrap_or_default())
}

fn emails(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_new_user_chooses_a_password_with_the_activation_link() {
    let users = Users::start().await;
    let tenant = users.world.tenant.clone();
    let anna = users.add("Anna@Example.org").await;
    assert_eq!((&anna["additionalInfo"], &anna["version"], &anna["name"]), (&Value::Null, &json!(1), &anna["email"]));
    let path = format!("/api/user/{}", id(&anna));
    let (_, read) = users.get(&tenant, &path).await;
    let account = json!({"userCredentialsEnabled": false, "userActivated": false, "lastLoginTs": null});
    assert_eq!(read["additionalInfo"], account);
    assert_eq!((&read["userActivated"], read.get("lastLoginTs")), (&json!(false), Some(&Value::Null)));
    assert_eq!(message(&users.log_in("anna@example.org", PASSWORD).await), (401, "Invalid username or password"));

    let token = users.activation(&anna).await;
    assert_eq!(token.len(), 40);
    assert_eq!(users.activation(&anna).await, token, "asked for again it is the same");
    let (_, info) = users.get(&tenant, &format!("{path}/activationLinkInfo")).await;
    assert!(info["value"].as_str().unwrap().ends_with(&token));
    assert!((86_000_000..=86_400_000).contains(&info["ttlMs"].as_i64().unwrap()), "{info}");
    let enable = format!("{path}/userCredentialsEnabled?userCredentialsEnabled=true");
    let early = users.post(&tenant, &enable, json!(null)).await;
    assert_eq!(message(&early), (400, "Enabled user credentials should have password!"));

    let page = format!("/login/createPassword?activateToken={token}");
    assert_eq!(users.follow(&format!("activate?activateToken={token}")).await, (303, Some(page)));
    assert_eq!(users.follow("activate?activateToken=unknown").await, (409, None));
    assert_eq!(users.follow("activate").await.0, 400);

    let activate = async |body: Value| users.noauth("activate?sendActivationMail=False", body).await;
    let short = activate(json!({"activateToken": token, "password": "12345"})).await;
    assert_eq!(message(&short), (400, "Password must be 6 or more characters in length."));
    assert_eq!(activate(json!({"activateToken": token})).await.0, BAD);
    let without = activate(json!({"password": PASSWORD})).await;
    assert_eq!(message(&without), (400, "Incorrect activateToken null"));
    let unknown = activate(json!({"activateToken": "unknown", "password": PASSWORD})).await;
    assert_eq!(message(&unknown), (400, "Unable to find user credentials by activateToken [unknown]"));
    let (status, pair) = activate(json!({"activateToken": token, "password": PASSWORD})).await;
    assert_eq!(status, OK, "{pair}");
    let signed_in = pair["token"].as_str().unwrap();
    assert_eq!(id(&users.get(signed_in, "/api/auth/user").await.1), id(&anna));
    let again = activate(json!({"activateToken": token, "password": PASSWORD})).await;
    assert_eq!(again.0, BAD);
    assert_eq!(users.follow(&format!("activate?activateToken={token}")).await, (409, None));
    let page = Some("/login/createPassword".to_owned());
    assert_eq!(users.browse(&format!("activate?activateToken={token}")).await, (303, page), "it says what to do");
    for path in [format!("{path}/activationLink"), format!("{path}/activationLinkInfo")] {
        assert_eq!(message(&users.get(&tenant, &path).await), (400, "User is already activated!"));
    }
    assert_eq!(users.log_in("anna@example.org", PASSWORD).await.0, OK);
    let (_, read) = users.get(&tenant, &path).await;
    assert_eq!((&read["userCredentialsEnabled"], &read["userActivated"]), (&json!(true), &json!(true)));
    assert!(read["lastLoginTs"].as_i64().unwrap() > anna["createdTime"].as_i64().unwrap());
    assert_eq!(read["additionalInfo"]["lastLoginTs"], read["lastLoginTs"]);

    // Without a mail server a letter is no fault.
    let customer = read["customerId"].clone();
    let mailed = json!({"email": "mailed@example.org", "authority": "CUSTOMER_USER", "customerId": customer});
    assert_eq!(users.post(&tenant, "/api/user", mailed.clone()).await.0, OK);
    assert_eq!(users.post(&tenant, "/api/user?sendActivationMail=maybe", mailed).await.0, BAD);
    let send = async |email: &str| {
        users.post(&tenant, &format!("/api/user/sendActivationMail?email={email}"), json!(null)).await
    };
    assert_eq!(send("MAILED@example.org").await.0, OK);
    assert_eq!(message(&send("anna@example.org").await), (400, "User is already activated!"));
    assert_eq!(message(&send("nobody@example.com").await), (404, "Requested item wasn't found!"));
    assert_eq!(send("").await.0, BAD);
    let (status, printed) = users.world.server.stop();
    assert!(status.success() && printed.contains("/activationLink") && !printed.contains(&token), "{printed}");
}

#[tokio::test]
async fn users_keep_to_the_rules() {
    let users = Users::start().await;
    let (tenant, a, b) = (&users.world.tenant, &users.world.customer_a, &users.world.customer_b);
    let customer = json!({"id": users.world.owner_of(a).await});
    let refused = async |user: Value| {
        let answer = users.save(tenant, user).await;
        (answer.0.as_u16(), answer.1["message"].as_str().unwrap().to_owned())
    };
    let with = |member: &str, value: Value| {
        let mut user = json!({"email": "x@example.org", "authority": "CUSTOMER_USER", "customerId": customer});
        user[member] = value;
        user
    };
    for (member, value, text) in [
        (
            "email",
            json!("CUSTOMER@thingsboard.org"),
            "User with email 'CUSTOMER@thingsboard.org' already present in database!",
        ),
        ("email", json!("rubbish"), "Invalid email address format 'rubbish'!"),
        ("email", json!(null), "User email should be specified!"),
        ("authority", json!(null), "User authority isn't defined!"),
        ("customerId", json!(null), "Customer user should be assigned to customer!"),
        ("customerId", json!({"id": UNKNOWN}), "User is referencing to non-existent customer!"),
        ("authority", json!("TENANT_ADMIN"), "Tenant administrator can't be assigned to customer!"),
        ("authority", json!("AUDITOR"), "Auditors are added by POST /api/audit/auditors"),
    ] {
        assert_eq!(refused(with(member, value)).await, (400, text.to_owned()));
    }
    assert_eq!(refused(with("authority", json!("NOBODY"))).await.0, 400);
    assert_eq!(refused(with("authority", json!("SYS_ADMIN"))).await.0, 403);
    let makes = json!({"email": "x@example.org", "authority": "CUSTOMER_USER", "customerId": customer});
    assert_eq!(users.save(a, makes.clone()).await.0, FORBIDDEN);
    assert_eq!(users.save(&users.operator, makes).await.0, FORBIDDEN);

    let me = users.me(a).await;
    let mut changed = me.clone();
    changed["firstName"] = json!("New");
    changed["additionalInfo"]["lang"] = json!("de");
    let (status, saved) = users.save(tenant, changed.clone()).await;
    assert_eq!((status, &saved["version"], &saved["firstName"]), (OK, &json!(2), &json!("New")), "{saved}");
    assert_eq!(saved["additionalInfo"]["userActivated"], json!(true));
    assert_eq!(users.get(a, "/api/auth/user").await.1["additionalInfo"], json!({"lang": "de"}));
    let late = users.save(tenant, changed.clone()).await;
    assert_eq!((message(&late), &late.1["errorCode"]), ((409, "User was already changed by someone else"), &json!(35)));
    changed["version"] = json!(null);
    for (member, value, text) in [
        ("customerId", json!({"id": users.world.owner_of(b).await}), "Can't update user customer id!"),
        ("authority", json!("TENANT_ADMIN"), "Can't update user authority!"),
        (
            "email",
            json!("customerB@thingsboard.org"),
            "User with email 'customerB@thingsboard.org' already present in database!",
        ),
    ] {
        let mut wrong = changed.clone();
        wrong[member] = value;
        assert_eq!(message(&users.save(tenant, wrong).await), (400, text));
    }
    // A user saves itself, and nobody else does.
    changed["lastName"] = json!("Self");
    assert_eq!(users.save(a, changed.clone()).await.1["version"], json!(3));
    assert_eq!(users.save(b, changed.clone()).await.0, FORBIDDEN);
    assert_eq!(users.save(&users.operator, changed.clone()).await.0, FORBIDDEN);
    changed["id"]["id"] = json!(UNKNOWN);
    assert_eq!(users.save(tenant, changed).await.0, NOT_FOUND);

    // An operator deals with tenants' administrators.
    let admin = users.me(tenant).await;
    let (status, second) = users
        .save(
            &users.operator,
            json!({"email": "second@example.org", "authority": "TENANT_ADMIN", "tenantId": admin["tenantId"]}),
        )
        .await;
    assert_eq!((status, &second["tenantId"]), (OK, &admin["tenantId"]), "{second}");
    let nowhere = json!({"email": "third@example.org", "authority": "TENANT_ADMIN"});
    let nowhere = users.save(&users.operator, nowhere).await;
    assert_eq!(message(&nowhere), (400, "Tenant administrator should be assigned to tenant!"));
    let missing = json!({"entityType": "TENANT", "id": UNKNOWN});
    let missing = json!({"email": "third@example.org", "authority": "TENANT_ADMIN", "tenantId": missing});
    let missing = users.save(&users.operator, missing).await;
    assert_eq!(message(&missing), (400, "User is referencing to non-existent tenant!"));
    let link = format!("/api/user/{}/activationLink", id(&second));
    assert_eq!(users.text(&users.operator, &link).await.0, OK);
    for token in [a, b] {
        assert_eq!(users.get(token, &link).await.0, FORBIDDEN);
    }
}

/// Whichever of two administrators is first shuts out the other, and stays.
#[tokio::test]
async fn of_two_administrators_who_shut_out_each_other_at_once_one_stays() {
    let users = Users::start().await;
    let tenant = users.world.tenant.clone();
    let first = users.me(&tenant).await;
    let (_, second) = users.save(&tenant, json!({"email": "second@example.org", "authority": "TENANT_ADMIN"})).await;
    let chosen = json!({"activateToken": users.activation(&second).await, "password": "tenant"});
    assert_eq!(users.noauth("activate", chosen).await.0, OK);
    let [first, second] =
        [&first, &second].map(|user| (id(user).to_owned(), user["email"].as_str().unwrap().to_owned()));
    let shut = async |token: &str, other: &str, enabled: bool| {
        let path = format!("/api/user/{other}/userCredentialsEnabled?userCredentialsEnabled={enabled}");
        users.post(token, &path, json!(null)).await
    };
    for round in 0..8 {
        let mut tokens = Vec::new();
        for (_, email) in [&first, &second] {
            tokens.push(sign_in(&users.world.client, &users.world.server.url, email, "tenant").await);
        }
        let (one, other) = tokio::join!(shut(&tokens[0], &second.0, false), shut(&tokens[1], &first.0, false));
        let late = match (one.0, other.0) {
            (OK, _) => other,
            (_, OK) => one,
            both => panic!("round {round}: {both:?}"),
        };
        let last = (403, "You can't disable or delete the last administrator!");
        assert!(late.0 == StatusCode::UNAUTHORIZED || message(&late) == last, "round {round}: {late:?}");
        for (user, _) in [&first, &second] {
            assert_eq!(shut(&users.operator, user, true).await.0, OK);
        }
    }
    // An operator can add another.
    for (user, _) in [&first, &second] {
        assert_eq!(shut(&users.operator, user, false).await.0, OK);
    }
}

#[tokio::test]
async fn lists_show_whom_the_caller_may_see() {
    let users = Users::start().await;
    let (tenant, a, b) = (&users.world.tenant, &users.world.customer_a, &users.world.customer_b);
    let (ours, others) = (users.me(a).await, users.me(b).await);
    let page = "pageSize=10&page=0";
    let (_, all) = users.get(tenant, &format!("/api/users?{page}&sortProperty=email")).await;
    let everybody = ["customer@thingsboard.org", "customerB@thingsboard.org", "tenant@thingsboard.org"];
    assert_eq!(emails(&all), everybody, "and no auditor");
    assert_eq!((&all["totalElements"], &all["hasNext"]), (&json!(3), &json!(false)));
    assert!(all["data"][0].get("userActivated").is_none());
    let (_, also) = users.get(tenant, &format!("/api/user/users?{page}&sortProperty=email")).await;
    assert_eq!(also, all);
    let (_, found) = users.get(tenant, &format!("/api/users?{page}&textSearch=CUSTOMERb@")).await;
    assert_eq!(emails(&found), ["customerB@thingsboard.org"]);
    let (_, second) = users.get(tenant, "/api/users?pageSize=2&page=1&sortProperty=email&sortOrder=desc").await;
    assert_eq!((emails(&second), &second["totalPages"]), (vec!["customer@thingsboard.org"], &json!(2)));
    assert_eq!(users.get(tenant, "/api/users?page=0").await.0, BAD);
    assert_eq!(users.get(tenant, &format!("/api/users?{page}&sortProperty=rubbish")).await.0, BAD);
    assert_eq!(emails(&users.get(b, &format!("/api/users?{page}")).await.1), ["customerB@thingsboard.org"]);
    assert_eq!(users.get(&users.operator, &format!("/api/users?{page}")).await.0, FORBIDDEN);

    let (_, infos) =
        users.get(tenant, &format!("/api/userInfos/all?{page}&includeCustomers=True&sortProperty=email")).await;
    assert_eq!(emails(&infos), everybody);
    assert_eq!(
        (&infos["data"][1]["ownerId"], infos["data"][1]["ownerName"].is_string()),
        (&others["customerId"], true)
    );
    assert_eq!((&infos["data"][2]["ownerId"], &infos["data"][2]["ownerName"]), (&ours["tenantId"], &Value::Null));
    let (_, infos) = users.get(tenant, &format!("/api/userInfos/all?{page}")).await;
    assert_eq!(emails(&infos), ["tenant@thingsboard.org"]);

    let customer = others["customerId"]["id"].as_str().unwrap();
    let of_customer = format!("/api/customer/{customer}/users?{page}");
    assert_eq!(emails(&users.get(tenant, &of_customer).await.1), ["customerB@thingsboard.org"]);
    assert_eq!(users.get(b, &of_customer).await.0, FORBIDDEN);
    assert_eq!(users.get(&users.operator, &of_customer).await.0, FORBIDDEN);
    let missing = users.get(tenant, &format!("/api/customer/{UNKNOWN}/users?{page}")).await;
    assert_eq!(message(&missing), (404, format!("Customer with id [{UNKNOWN}] is not found").as_str()));
    let of_tenant = format!("/api/tenant/{}/users?{page}", ours["tenantId"]["id"].as_str().unwrap());
    assert_eq!(emails(&users.get(&users.operator, &of_tenant).await.1), ["tenant@thingsboard.org"]);
    assert_eq!(users.get(tenant, &of_tenant).await.0, FORBIDDEN);

    // One by one.
    let read = async |token: &str, user: &Value| users.get(token, &format!("/api/user/{}", id(user))).await.0;
    assert_eq!((read(a, &ours).await, read(a, &others).await, read(tenant, &others).await), (OK, FORBIDDEN, OK));
    assert_eq!(read(&users.operator, &others).await, FORBIDDEN);
    let missing = users.get(tenant, &format!("/api/user/{UNKNOWN}")).await;
    assert_eq!(message(&missing), (404, format!("User with id [{UNKNOWN}] is not found").as_str()));
    assert_eq!(users.get(tenant, "/api/user/rubbish").await.0, BAD);
    let operator = users.get(&users.operator, "/api/auth/user").await.1;
    assert_eq!((read(tenant, &operator).await, &operator["tenantId"]["id"]), (FORBIDDEN, &json!(NOBODY)));
}

#[tokio::test]
async fn whoever_is_disabled_or_deleted_is_out() {
    let users = Users::start().await;
    let (tenant, a, b) = (&users.world.tenant, &users.world.customer_a, &users.world.customer_b);
    let me = users.me(a).await;
    let path = format!("/api/user/{}", id(&me));
    let enable = async |token: &str, flag: &str| {
        let path = format!("{path}/userCredentialsEnabled?userCredentialsEnabled={flag}");
        users.post(token, &path, json!(null)).await.0
    };
    assert_eq!((enable(b, "false").await, enable(a, "false").await), (FORBIDDEN, FORBIDDEN));
    assert_eq!(enable(tenant, "false").await, OK);
    let out = users.get(a, "/api/auth/user").await;
    assert_eq!((message(&out), &out.1["errorCode"]), ((401, "Token has expired"), &json!(11)));
    assert_eq!(
        message(&users.log_in("customer@thingsboard.org", "customer").await),
        (401, "User account is not active")
    );
    assert_eq!(
        message(&users.log_in("customer@thingsboard.org", "wrong").await),
        (401, "Invalid username or password")
    );
    assert_eq!(enable(tenant, "True").await, OK);
    assert_eq!(users.get(a, "/api/auth/user").await.0, StatusCode::UNAUTHORIZED, "no login comes back");
    let (status, pair) = users.log_in("customer@thingsboard.org", "customer").await;
    assert_eq!(status, OK);

    let delete = async |token: &str| users.world.call(Method::DELETE, &path, Some(token), None).await;
    assert_eq!(delete(b).await.0, FORBIDDEN);
    assert_eq!(delete(&users.operator).await.0, FORBIDDEN, "a customer's user is its tenant's business");
    assert_eq!(delete(tenant).await.0, OK);
    let vanished = users.get(pair["token"].as_str().unwrap(), "/api/auth/user").await;
    assert_eq!((message(&vanished), &vanished.1["errorCode"]), ((401, "Invalid username or password"), &json!(10)));
    let gone = format!("User with id [{}] is not found", id(&me));
    assert_eq!(message(&users.get(tenant, &path).await), (404, gone.as_str()));
    assert_eq!(message(&delete(tenant).await), (404, gone.as_str()));
    let again = json!({"email": me["email"], "authority": me["authority"], "customerId": me["customerId"]});
    assert_eq!(users.save(tenant, again).await.0, OK, "the e-mail is free");
}

#[tokio::test]
async fn nobody_shuts_out_itself() {
    let users = Users::start().await;
    let refused = (403, "You can't disable or delete your own account!");
    for token in [&users.world.tenant, &users.operator] {
        let itself = users.get(token, "/api/auth/user").await.1;
        let path = format!("/api/user/{}", id(&itself));
        let enable = async |flag: &str| {
            let path = format!("{path}/userCredentialsEnabled?userCredentialsEnabled={flag}");
            users.post(token, &path, json!(null)).await
        };
        let disabled = enable("false").await;
        assert_eq!((message(&disabled), &disabled.1["errorCode"]), (refused, &json!(20)));
        assert_eq!(message(&users.world.call(Method::DELETE, &path, Some(token), None).await), refused);
        assert_eq!(enable("true").await.0, OK);
        assert_eq!(users.get(token, "/api/auth/user").await.0, OK, "it is still in");
    }
    // Somebody else does it.
    let itself = users.get(&users.world.tenant, "/api/auth/user").await.1;
    let path = format!("/api/user/{}", id(&itself));
    let disable = format!("{path}/userCredentialsEnabled?userCredentialsEnabled=false");
    assert_eq!(users.post(&users.operator, &disable, json!(null)).await.0, OK);
    assert_eq!(users.get(&users.world.tenant, "/api/auth/user").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(users.world.call(Method::DELETE, &path, Some(&users.operator), None).await.0, OK);
}

/// What a link in a letter leads to, in a browser; its script uses the routes that the tests around this one call.
#[tokio::test]
async fn the_pages_on_which_a_password_is_chosen() {
    const TOKEN: &str = "T0K3N-IN-THE-ADDRESS";
    let world = World::start().await;
    let read = async |path: &str| {
        let answer = world.client.get(format!("{}/login/{path}", world.server.url)).send().await.unwrap();
        let headers = answer.headers().clone();
        (answer.status(), headers, answer.text().await.unwrap())
    };
    let links = [format!("createPassword?activateToken={TOKEN}"), format!("resetPassword?resetToken={TOKEN}")];
    let files = ["choose-password.js"];
    let kinds = ["text/html", "text/html", "text/javascript"];
    for (path, kind) in links.iter().map(String::as_str).chain(files).zip(kinds) {
        let (status, headers, text) = read(path).await;
        assert_eq!(status, OK, "{path}");
        let header = |name| headers[name].to_str().unwrap();
        assert_eq!(header(header::CONTENT_TYPE), format!("{kind}; charset=utf-8"), "{path}");
        assert_eq!((header(header::CACHE_CONTROL), header(header::REFERRER_POLICY)), ("no-store", "no-referrer"));
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(!text.contains(TOKEN) && !format!("{headers:?}").contains(TOKEN), "{path} repeats the token");
        if kind == "text/html" {
            let policy = header(header::CONTENT_SECURITY_POLICY);
            for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"] {
                assert!(policy.split("; ").any(|known| known == part), "{part} in {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            // The policy lets a browser use no script and no style that stands in the page or comes from elsewhere.
            assert!(!text.contains("://") && !text.contains("<style") && !text.contains("style="), "{text}");
            assert!(text.matches("<script").count() == 1 && text.contains(" src=\"choose-password.js\""), "{text}");
            assert!(files.iter().all(|file| text.contains(&format!("\"{file}\""))), "{text}");
            assert!(text.contains("<html lang=\"en\">") && text.contains("<label for=\"password\">"), "{text}");
        }
    }
    let (.., script) = read("choose-password.js").await;
    for word in ["activateToken", "resetToken", "noauth/${route}", "validation_failed", "reset_unknown"] {
        assert!(script.contains(word), "{word}");
    }
    assert_eq!(read("elsewhere").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.call(Method::POST, "/login/createPassword", None, None).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (_, logged) = world.server.stop();
    assert!(!logged.contains(TOKEN), "{logged}");
}

/// Without a mail server the link is printed by the command that the log names.
#[tokio::test]
async fn a_forgotten_password_gives_way_to_another() {
    let users = Users::start().await;
    let link = || {
        let mut command = deed(users.world.data.path());
        run(command.args(["reset-link", "customer@thingsboard.org"]))
    };
    assert_eq!(link().0, 1, "nobody asked for one");
    let ask = async |body: Value| users.noauth("resetPasswordByEmail", body).await.0;
    for body in [json!({"email": "nobody@example.com"}), json!({"email": null}), json!({})] {
        assert_eq!(ask(body).await, OK);
    }
    assert_eq!(ask(json!([])).await, BAD);
    assert_eq!(ask(json!({"email": "CUSTOMER@thingsboard.org"})).await, OK);
    let (_, printed, said) = waited_for(|| Some(link()).filter(|(status, ..)| *status == 0)).await;
    assert!(said.contains("server.base_url (DEED_BASE_URL) is not set"), "{said}");
    let (prefix, token) = printed.trim().split_once("/api/noauth/resetPassword?resetToken=").unwrap();
    assert!(prefix.starts_with("http://localhost:") && token.len() == 40, "{printed}");
    assert_eq!(ask(json!({"email": "customer@thingsboard.org"})).await, OK);

    let page = format!("/login/resetPassword?resetToken={token}");
    assert_eq!(users.follow(&format!("resetPassword?resetToken={token}")).await, (303, Some(page)));
    assert_eq!(users.follow("resetPassword?resetToken=unknown").await, (409, None));
    let nowhere = Some("/login/resetPassword".to_owned());
    assert_eq!(users.browse("resetPassword?resetToken=unknown").await, (303, nowhere), "it says what to do");
    let reset = async |body: Value| users.noauth("resetPassword", body).await;
    let unknown = reset(json!({"resetToken": "unknown", "password": PASSWORD})).await;
    assert_eq!(message(&unknown), (400, "Invalid reset token!"));
    let same = reset(json!({"resetToken": token, "password": "customer"})).await;
    assert_eq!(message(&same), (400, "New password should be different from existing!"));
    let short = reset(json!({"resetToken": token, "password": "12345"})).await;
    assert_eq!(message(&short), (400, "Password must be 6 or more characters in length."));
    let (status, pair) = reset(json!({"resetToken": token, "password": PASSWORD})).await;
    assert_eq!(status, OK, "{pair}");
    assert_eq!(users.get(pair["token"].as_str().unwrap(), "/api/auth/user").await.0, OK);
    assert_eq!(users.get(&users.world.customer_a, "/api/auth/user").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(users.log_in("customer@thingsboard.org", "customer").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(users.log_in("customer@thingsboard.org", PASSWORD).await.0, OK);
    assert_eq!(
        message(&reset(json!({"resetToken": token, "password": "another"})).await),
        (400, "Invalid reset token!")
    );
    assert_eq!(link().0, 1, "it has been used");
    let token = token.to_owned();
    let (_, logged) = users.world.server.stop();
    assert_eq!(logged.matches("deed reset-link").count(), 1, "once a minute at most:\n{logged}");
    assert!(!logged.contains(&token), "{logged}");
}

/// What is there after a while.
async fn waited_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..100 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it did not come");
}
