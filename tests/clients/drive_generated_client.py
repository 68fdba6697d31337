"""tb-ce-client and tb-pe-client, unmodified: every call of their lists, each with its result checked.

    drive_generated_client.py --url URL --mark TEXT --edition ce|pe

Both are generated from ThingsBoard's OpenAPI documents and share most calls; those that only one of them has come last.
"""
import ast, importlib, json

from steps import NOBODY, PASSWORD, TENANT, arguments, done, fresh, import_file, in_an_hour, refused

ARGS = arguments(edition=("ce", "pe"))
RIGHT, WRONG = f"right-{ARGS.mark}", f"wrong-{ARGS.mark}"


def of_client(module, name):
    return getattr(importlib.import_module(f"tb_{ARGS.edition}_client{module}"), name)


ApiException, ThingsboardClient = of_client("", "ApiException"), of_client(".client", "ThingsboardClient")
ActivateUserRequest = of_client(".models.activate_user_request", "ActivateUserRequest")
ApiKeyInfo = of_client(".models.api_key_info", "ApiKeyInfo")
BulkImportRequest = of_client(".models.bulk_import_request", "BulkImportRequest")
ClaimRequest = of_client(".models.claim_request", "ClaimRequest")
Customer = of_client(".models.customer", "Customer")
Device = of_client(".models.device", "Device")
DeviceCredentials = of_client(".models.device_credentials", "DeviceCredentials")
RefreshTokenRequest = of_client(".models.refresh_token_request", "RefreshTokenRequest")
SaveDeviceWithCredentialsRequest = of_client(".models.save_device_with_credentials_request", "SaveDeviceWithCredentialsRequest")
User = of_client(".models.user", "User")


def claim(client, name, key, **more):
    """The claim's body: the client gives it as the text of a Python dictionary."""
    return ast.literal_eval(client.claim_device(name, claim_request=ClaimRequest(secret_key=key), **more))


def id_of(entity):
    """The models hold ids as UUIDs, the calls take them as texts."""
    return str(entity.id.id)


def names(page):
    return [device.name for device in page.data]


def owner_of(device):
    return str(tenant.get_device_by_id(id_of(device)).customer_id.id)


def attributes_of(device):
    return {found.key: found.value for found in tenant.get_attributes("DEVICE", id_of(device))}


tenant = ThingsboardClient(ARGS.url, *TENANT)
admin = tenant.get_user()
assert admin.authority == "TENANT_ADMIN"
pair = tenant.refresh_token(RefreshTokenRequest(refresh_token=tenant.get_refresh_token()))
with ThingsboardClient(ARGS.url, token=pair.token, refresh_token=pair.refresh_token) as again:
    assert id_of(again.get_user()) == id_of(admin)
assert refused(ApiException, ThingsboardClient, ARGS.url, TENANT[0], "wrong").status == 401
done("login", "get_user", "refresh_token")

key = tenant.save_api_key(ApiKeyInfo(user_id=admin.id, description="a machine", enabled=True, expiration_time=0))
with ThingsboardClient(ARGS.url, api_key=key.value) as machine:
    assert id_of(machine.get_user()) == id_of(admin)
done("save_api_key")

customer = tenant.save_customer(Customer(title=fresh("Customer")))
assert id_of(tenant.get_tenant_customer(customer.title)) == id_of(customer)
assert tenant.get_customer_by_id(id_of(customer)).title == customer.title
assert [c.title for c in tenant.get_customers(page_size=10, page=0, text_search=customer.title).data] == [customer.title]
done("save_customer", "get_tenant_customer", "get_customer_by_id", "get_customers")

email = f"{fresh('user')}@example.com"
user = tenant.save_user(User(email=email, authority="CUSTOMER_USER", customer_id=customer.id), send_activation_mail="false")
link = tenant.get_activation_link(id_of(user))
assert tenant.get_activation_link_info(id_of(user)).value == link
tenant.activate_user(ActivateUserRequest(activate_token=link.strip('"').split("activateToken=")[1], password=PASSWORD), send_activation_mail=False)
buyer = ThingsboardClient(ARGS.url, email, PASSWORD)
assert str(buyer.get_user().customer_id.id) == id_of(customer)
assert [u.email for u in tenant.get_customer_users(id_of(customer), page_size=10, page=0).data] == [email]
assert tenant.get_user_by_id(id_of(user)).email == email
done("save_user", "get_activation_link", "get_activation_link_info", "activate_user", "get_customer_users", "get_user_by_id")

token, name = fresh("token"), fresh("D 1/ü")
device = tenant.save_device(Device(name=name, type="default"), access_token=token)
assert tenant.get_device_by_id(id_of(device)).name == name
assert tenant.get_device_info_by_id(id_of(device)).active is False
assert id_of(tenant.get_tenant_device_by_name(name)) == id_of(device)
assert [d.name for d in tenant.get_devices_by_ids([id_of(device)])] == [name]
assert names(tenant.get_tenant_devices(page_size=10, page=0, text_search=name)) == [name]
assert "default" in [kind.type for kind in tenant.get_device_types()]
done("save_device", "get_device_by_id", "get_device_info_by_id", "get_tenant_device_by_name", "get_devices_by_ids", "get_tenant_devices", "get_device_types")

given = DeviceCredentials.from_dict({"id": {"id": NOBODY}, "deviceId": {"entityType": "DEVICE", "id": NOBODY}, "credentialsType": "ACCESS_TOKEN", "credentialsId": fresh("token")})
second = tenant.save_device_with_credentials(SaveDeviceWithCredentialsRequest(device=Device(name=fresh("D"), type="default"), credentials=given))
credentials = tenant.get_device_credentials_by_device_id(id_of(second))
assert credentials.credentials_id == given.credentials_id
credentials.credentials_id = fresh("token")
assert tenant.update_device_credentials(credentials).credentials_id == credentials.credentials_id
done("save_device_with_credentials", "get_device_credentials_by_device_id", "update_device_credentials")

assert tenant.get_default_device_profile_info().name == "default"
assert "default" in [p.name for p in tenant.get_device_profile_names()]
done("get_default_device_profile_info", "get_device_profile_names")

tenant.save_entity_attributes_v1("DEVICE", id_of(device), "SERVER_SCOPE", json.dumps({"claimingAllowed": True, "line": 1}))
tenant.save_entity_attributes_v2("DEVICE", id_of(device), "SHARED_SCOPE", json.dumps({"place": "shelf"}))
tenant.save_device_attributes(id_of(device), "SERVER_SCOPE", json.dumps({"batch": "A"}))
assert attributes_of(device) == {"claimingAllowed": True, "line": 1, "batch": "A", "place": "shelf"}
found = tenant.get_attributes_by_scope("DEVICE", id_of(device), "SERVER_SCOPE")  # that of the CE gives None whatever is sent
assert found is None if ARGS.edition == "ce" else {item.key for item in found} == {"claimingAllowed", "line", "batch"}
assert set(tenant.get_attribute_keys("DEVICE", id_of(device))) == {"claimingAllowed", "line", "batch", "place"}
assert set(tenant.get_attribute_keys_by_scope("DEVICE", id_of(device), "SHARED_SCOPE")) == {"place"}
tenant.delete_entity_attributes("DEVICE", id_of(device), "SERVER_SCOPE", keys="line")
tenant.delete_device_attributes(id_of(device), "SERVER_SCOPE", keys="batch")
assert attributes_of(device) == {"claimingAllowed": True, "place": "shelf"}
done("save_entity_attributes_v1", "save_entity_attributes_v2", "save_device_attributes", "get_attributes", "get_attributes_by_scope", "get_attribute_keys", "get_attribute_keys_by_scope", "delete_entity_attributes", "delete_device_attributes")

tenant.save_entity_attributes_v1("DEVICE", id_of(device), "SERVER_SCOPE", json.dumps({"claimingData": json.dumps({"secretKey": RIGHT, "expirationTime": in_an_hour()})}))
failed = refused(ApiException, claim, buyer, name, WRONG)
assert (failed.status, failed.body) == (400, '"FAILURE"'), failed
claimed = claim(buyer, name, RIGHT)
assert (claimed["response"], claimed["device"]["name"], claimed["id"]) == ("SUCCESS", name, claimed["device"]["id"]), claimed
assert owner_of(device) == id_of(customer)
assert names(buyer.get_customer_devices(id_of(customer), page_size=10, page=0)) == [name]
assert names(buyer.get_customer_device_infos(id_of(customer), page_size=10, page=0)) == [name]
done("claim_device", "get_customer_devices", "get_customer_device_infos")

buyer.re_claim_device(name)
assert owner_of(device) == NOBODY
failed = refused(ApiException, claim, buyer, name, RIGHT)  # the key ended with the reclaim
assert (failed.status, failed.body) == (400, '"FAILURE"'), failed
done("re_claim_device")

imported = [fresh("I") for _ in range(3)]
file, mapping = import_file(imported, RIGHT, in_an_hour())
result = tenant.process_devices_bulk_import(BulkImportRequest.from_dict({"file": file, "mapping": mapping}))
assert (result.created, result.errors) == (3, 0), result
assert claim(buyer, imported[0], RIGHT)["response"] == "SUCCESS"
done("process_devices_bulk_import")

with ThingsboardClient(ARGS.url, token=tenant.get_user_token(id_of(user)).token) as impersonated:
    assert impersonated.get_user().email == email
done("get_user_token")

if ARGS.edition == "ce":
    assert email in [u.email for u in tenant.get_users(page_size=100, page=0, text_search=email).data]
    [info] = tenant.get_tenant_device_infos(page_size=10, page=0, text_search=name).data
    assert (info.name, info.device_profile_name, info.customer_title) == (name, "default", None)
    assert str(tenant.assign_device_to_customer(id_of(customer), id_of(device)).customer_id.id) == id_of(customer)
    claimed = refused(ApiException, claim, buyer, name, RIGHT)
    assert (claimed.status, claimed.body) == (400, '"CLAIMED"'), claimed
    assert str(tenant.unassign_device_from_customer(id_of(device)).customer_id.id) == NOBODY
    public = tenant.assign_device_to_public_customer(id_of(device))
    assert tenant.get_customer_by_id(str(public.customer_id.id)).title == "Public"
    assert refused(ApiException, buyer.get_device_by_id, id_of(device)).status == 403
    done("get_users", "get_tenant_device_infos", "assign_device_to_customer", "unassign_device_from_customer", "assign_device_to_public_customer")
else:
    tenant.change_owner_to_customer(id_of(customer), "DEVICE", id_of(device))
    assert owner_of(device) == id_of(customer)
    claimed = refused(ApiException, claim, buyer, name, RIGHT)
    assert (claimed.status, claimed.body) == (400, '"CLAIMED"'), claimed
    [info] = tenant.get_all_device_infos(page_size=10, page=0, include_customers=True, text_search=name).data
    assert (str(info.owner_id.id), info.owner_name) == (id_of(customer), customer.title)
    assert names(tenant.get_all_device_infos(page_size=10, page=0, include_customers=False, text_search=name)) == []
    assert name in names(buyer.get_user_devices(page_size="10", page="0"))
    assert name in names(buyer.get_customer_device_infos(id_of(customer), page_size=10, page=0, include_customers=True))
    tenant.change_owner_to_tenant(str(admin.tenant_id.id), "DEVICE", id_of(device))
    assert owner_of(device) == NOBODY
    done("change_owner_to_customer", "change_owner_to_tenant", "get_all_device_infos", "get_user_devices")

    assert [u.email for u in tenant.get_all_user_infos(page_size=10, page=0, include_customers=True, text_search=email).data] == [email]
    assert [u.email for u in tenant.get_user_users(page_size=10, page=0, text_search=email).data] == [email]
    assert [c.title for c in tenant.get_all_customer_infos(page_size=10, page=0, include_customers=True, text_search=customer.title).data] == [customer.title]
    done("get_all_user_infos", "get_user_users", "get_all_customer_infos")

    assert claim(buyer, imported[1], RIGHT, sub_customer_id=id_of(customer))["response"] == "SUCCESS"
    assert refused(ApiException, claim, buyer, imported[2], RIGHT, sub_customer_id=id_of(device)).status == 403

tenant.delete_device(id_of(second))
assert refused(ApiException, tenant.get_device_by_id, id_of(second)).status == 404
tenant.delete_customer(id_of(customer))
assert owner_of(tenant.get_tenant_device_by_name(imported[0])) == NOBODY
done("delete_device", "delete_customer")

tenant.logout()
assert refused(ApiException, tenant.get_user).status == 401
done("logout")
