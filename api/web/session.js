// Who is signed in, in this tab. The tokens stand in the tab's own storage and end with it; never in a cookie, which a browser
// would send by itself, and never in an address.

import { ask, content } from "../widget/client.js";
import { forgetAll, keep, kept } from "./tab.js";

/** Where the service is, whatever prefix it stands behind. */
export const ROOT = new URL("../", import.meta.url);
const ENTRY = "session";
const listeners = new Set();
let refreshing = null;

/** `{token, refreshToken, user: {id, email, name, authority, customerId}}`, or null if nobody is signed in. */
export const current = () => kept(ENTRY);

/** Signs in and gives the user. Throws what the service refused it with. */
export async function signIn(email, password) {
  const body = { username: email, password };
  const { token, refreshToken } = await content(await ask(ROOT, "POST", "api/auth/login", { body }));
  const told = await content(await ask(ROOT, "GET", "api/auth/user", { token }));
  const user = {
    id: told.id.id,
    email: told.email,
    name: [told.firstName, told.lastName].filter(Boolean).join(" ") || told.email,
    authority: told.authority,
    customerId: told.customerId?.id ?? null,
  };
  become({ token, refreshToken, user });
  return user;
}

/** Ends the login at the service, too. It ends here whatever the service says. */
export async function signOut() {
  const session = current();
  become(null);
  if (session) {
    await ask(ROOT, "POST", "api/auth/logout", { token: session.token }).catch(() => {});
  }
}

/** The same, of somebody who leaves: nothing that pages have kept in this tab stays. */
export function leave() {
  const ended = signOut();
  forgetAll();
  return ended;
}

/** Calls `fn` with the user, or null, whenever somebody signs in or is signed out. Gives a function that ends this. */
export function onChange(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** A token that is newer than `token`, or null if the login is over: then nobody is signed in any more. Requests that find
 * their token too old at the same time share one exchange. Throws if the service cannot be asked. */
export async function renewed(token) {
  const session = current();
  if (!session || session.token !== token) {
    return session?.token ?? null;
  }
  refreshing ??= exchange(session).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function exchange(session) {
  try {
    const body = { refreshToken: session.refreshToken };
    const { token, refreshToken } = await content(await ask(ROOT, "POST", "api/auth/token", { body }));
    // Who has signed out in the meantime stays signed out.
    if (current()?.token === session.token) {
      keep(ENTRY, { ...session, token, refreshToken });
    }
    return current()?.token ?? null;
  } catch (refused) {
    if (refused.status !== 401 && refused.status !== 400) {
      throw refused;
    }
    become(null);
    return null;
  }
}

function become(session) {
  keep(ENTRY, session);
  for (const listener of listeners) {
    listener(session?.user ?? null);
  }
}
