// Devices, keys and customers for the tests, made by the REST API.

import { CUSTOMER, MARK, TENANT, api } from "./support.mjs";

let made = 0;

/** A device that may register keys, with a name of its own: `{id, name}`. Its access token is its name. */
export async function device(begin = "Pump", attributes = { claimingAllowed: true }) {
  const name = `${begin} ${Date.now()}-${(made += 1)}`;
  const { data } = await api(TENANT, "POST", `api/device?accessToken=${encodeURIComponent(name.replaceAll(/\W/g, "-"))}`, { name });
  const { id } = data.id;
  await api(TENANT, "POST", `api/plugins/telemetry/DEVICE/${id}/SERVER_SCOPE`, attributes);
  return { id, name };
}

/** Devices of these very names, as the tenant registers them: `[{id, name}]`. */
export async function devices(...names) {
  const answers = await Promise.all(names.map((name) => api(TENANT, "POST", "api/device", { name })));
  return answers.map(({ data }, i) => ({ id: data.id.id, name: names[i] }));
}

/** A key of the tenant for the device: `{key, expires}`, made by the service unless it is given. */
export async function issue({ id }, { key, durationMs = 3_600_000 } = {}) {
  const { data } = await api(TENANT, "POST", `api/devices/${id}/claim-keys`, { secretKey: key, durationMs });
  return { key: key ?? data.secretKey, expires: data.expirationTime };
}

/** The active keys of the device. */
export const keysOf = async ({ id }) => (await api(TENANT, "GET", `api/devices/${id}/claim-keys`)).data;

/** The device itself registers a key. */
export async function register({ name }, key, durationMs) {
  return api(null, "POST", `api/v1/${name.replaceAll(/\W/g, "-")}/claim`, { secretKey: key, durationMs });
}

/** A key of somebody's own, which no log may show. */
export const secret = (end) => `${MARK}-${end}`;

/** Whether the device has an owner. */
export async function isOwned({ id }) {
  const { data } = await api(TENANT, "GET", `api/device/${id}`);
  return data.customerId.id !== "13814000-1dd2-11b2-8080-808080808080";
}

/** Claims it by the API. */
export async function claim({ name }, key, person = CUSTOMER) {
  return api(person, "POST", `api/customer/device/${encodeURIComponent(name)}/claim`, { secretKey: key });
}

/** The link on a label. */
export function link({ name }, { key, expires }) {
  const spelt = (text) => encodeURIComponent(text).replaceAll(/[_~!*'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `/claim#n=${spelt(name)}&k=${spelt(key)}${expires ? `&x=${Math.floor(expires / 1000)}` : ""}`;
}
