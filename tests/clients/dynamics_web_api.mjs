// dynamics-web-api, the client that JavaScript programs use.

import { DynamicsWebApi } from "dynamics-web-api";
import { feature, report } from "./report.mjs";

const api = new DynamicsWebApi({
  serverUrl: process.env.CRM_URL.replace("/api/data/v9.2", ""),
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => process.env.TOKEN,
});

feature("create", async () => {
  await api.create({ collection: "accounts", data: { name: "Adventure Works" } });
});

await report("dynamics-web-api", "CRM");
