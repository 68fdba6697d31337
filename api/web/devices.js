// Devices: a customer's own ones, or all of a tenant's. Auditors have a page of their own.

import { ownDevices } from "./own-devices.js";
import { start } from "./page.js";
import { tenantDevices } from "./tenant-devices.js";

const VIEWS = { CUSTOMER_USER: ownDevices, TENANT_ADMIN: tenantDevices };

start({
  roles: ["CUSTOMER_USER", "TENANT_ADMIN", "AUDITOR"],
  title: "Devices",
  async render(main, user) {
    const view = VIEWS[user.authority];
    if (view) {
      await view(main);
    } else {
      location.replace("device");
    }
  },
});
