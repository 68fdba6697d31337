// Who is signed in by the element's own form. The tokens are kept in memory only: with the page they are gone.

import { ask, content, Refused } from "./client.js";

/** An account as the element asks for it; a host page may bring its own (`DeviceClaiming.account`). */
export class Login {
  #server;
  #pair = null;
  /** The user as the server tells it, or null. */
  user = null;

  constructor(server) {
    this.#server = server;
  }

  /** A token to claim with, or null if somebody has to sign in. `expired` says that the last one was not accepted. */
  async token({ expired = false } = {}) {
    if (expired && this.#pair) await this.#refresh(this.#pair.refreshToken);
    return this.#pair?.token ?? null;
  }

  /** Signs in and gives the user. Throws `Refused`. */
  async signIn(email, password) {
    const body = { username: email, password };
    const pair = await content(await ask(this.#server, "POST", "api/auth/login", { body }));
    this.user = await content(await ask(this.#server, "GET", "api/auth/user", { token: pair.token }));
    this.#pair = pair;
    return this.user;
  }

  /** Forgets the tokens and ends the login on the server, which nobody waits for. */
  signOut() {
    const token = this.#pair?.token;
    this.#forget();
    if (token) ask(this.#server, "POST", "api/auth/logout", { token }).catch(() => {});
  }

  #forget() {
    this.#pair = null;
    this.user = null;
  }

  async #refresh(refreshToken) {
    try {
      this.#pair = await content(await ask(this.#server, "POST", "api/auth/token", { body: { refreshToken } }));
    } catch (refusal) {
      if (refusal.status !== 401 && refusal.status !== 400) throw refusal;
      this.#forget();
    }
  }
}

/** What gives tokens for the element's claims: the page's own, or its account's. What the page brings may fail, too. */
export const tokensOf = (element) => async (expired) => {
  try {
    const given = element.tokenProvider ? await element.tokenProvider({ expired }) : expired ? null : element.token;
    return given ?? (await element.account.token({ expired }));
  } catch (error) {
    if (error instanceof Refused) throw error;
    console.error(error);
    throw new Refused({ status: 0, code: "unreachable", detail: "No token." });
  }
};
