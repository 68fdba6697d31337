// Devices, keys and claims that the tests of the tenant's pages need, made by the REST API.

import { CUSTOMER, TENANT, api, on, signIn } from "./support.mjs";

/** New devices of these names, and their ids. */
export async function devices(...names) {
  const made = await Promise.all(names.map((name) => api(TENANT, "POST", "api/device", { name })));
  return made.map(({ data }) => data.id.id);
}

/** A key of the administrator for the device, for an hour. */
export async function issue(id, secretKey) {
  await api(TENANT, "POST", `api/devices/${id}/claim-keys`, { secretKey, durationMs: 3_600_000 });
}

/** The active keys of the device. */
export const keysOf = async (id) => (await api(TENANT, "GET", `api/devices/${id}/claim-keys`)).data;
/** The customer claims the device. */
export const claim = (name, secretKey) => api(CUSTOMER, "POST", `api/customer/device/${encodeURIComponent(name)}/claim`, { secretKey });

/** A page as the tenant's administrator sees it. */
export async function asTenant(path, options, work) {
  await on(path, options, async (page, context) => {
    await signIn(page, TENANT);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await work(page, context);
  });
}
