// What devices, customers and people are called, for a list in which any of them may come up. Asked for device by device, a few
// at a time, and remembered.

import { call } from "./api.js";
import { mentioned } from "./history.js";

const AT_A_TIME = 3;

/** `names` is `{customers, users}`, and fills itself. */
export function directory() {
  const names = { customers: {}, users: {} };
  const devices = new Map();
  const asked = new Set();
  /** By device, whether its latest event is still to be seen: with that, those before have gone, too. */
  const wanted = new Map();
  const waiting = [];
  let running = 0;

  /** Runs it when it is its turn, if the device is still wanted then; else `forget` makes that it may be asked for again. */
  function queued({ deviceId }, work, forget) {
    return new Promise((resolve) => {
      waiting.push(async () => resolve(wanted.get(deviceId)() ? await work().catch(() => null) : forget()));
      next();
    });
  }

  function next() {
    while (running < AT_A_TIME && waiting.length > 0) {
      running += 1;
      waiting.shift()().finally(() => {
        running -= 1;
        next();
      });
    }
  }

  async function read(path, query) {
    return (await call("GET", path, { query })).data;
  }

  async function deviceName(path) {
    const { device } = await read(`${path}/state`);
    // Of one that was deleted the log has still how it was called at first.
    return device?.name ?? (await read(`${path}/events`, { limit: 1 }))[0]?.data.name;
  }

  /** Resolves when all is known of what an event speaks of that can be, with whether that is more than before; `isWanted` says
   * whether it is still to be seen. */
  async function learn(event, isWanted) {
    wanted.set(event.deviceId, isWanted);
    const path = `api/audit/devices/${event.deviceId}`;
    const work = [];
    const isNamed = event.data.name !== undefined && devices.get(event.deviceId) !== event.data.name;
    if (event.data.name !== undefined) {
      devices.set(event.deviceId, event.data.name);
    } else if (!devices.has(event.deviceId)) {
      devices.set(event.deviceId, null);
      work.push(queued(event, async () => devices.set(event.deviceId, await deviceName(path)), () => devices.delete(event.deviceId)));
    }
    const { customers, users } = mentioned(event);
    const isNew = [...customers.filter((id) => !names.customers[id]), ...users.filter((id) => !names.users[id])]
      .filter((id) => !asked.has(id));
    if (isNew.length > 0) {
      isNew.forEach((id) => asked.add(id));
      work.push(queued(event, async () => {
        const told = await read(`${path}/names`);
        Object.assign(names.customers, told.customers);
        Object.assign(names.users, told.users);
      }, () => isNew.forEach((id) => asked.delete(id))));
    }
    await Promise.all(work);
    return isNamed || work.length > 0;
  }

  return { names, learn, device: (id) => devices.get(id) ?? null };
}
