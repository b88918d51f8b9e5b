// dynamics-web-api, the client that JavaScript programs use.

import assert from "node:assert/strict";
import { DynamicsWebApi } from "dynamics-web-api";
import { feature, report } from "./report.mjs";

const api = new DynamicsWebApi({
  serverUrl: process.env.CRM_URL.replace("/api/data/v9.2", ""),
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => process.env.TOKEN,
});
const accounts = { collection: "accounts" };
const choices = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata";
const gone = "00000000-0000-0000-0000-000000000001";

const create = (data = {}) => api.create({ ...accounts, data: { name: "Adventure Works", ...data } });
const read = (key, ...select) => api.retrieve({ ...accounts, key, select });
const many = (message, rows) =>
  api.callAction({
    ...accounts,
    actionName: `Microsoft.Dynamics.CRM.${message}`,
    action: { Targets: rows.map((row) => ({ "@odata.type": "Microsoft.Dynamics.CRM.account", ...row })) },
  });
const defineKey = (table, SchemaName, KeyAttributes) =>
  api.create({
    collection: "EntityDefinitions",
    key: `LogicalName='${table}'`,
    navigationProperty: "Keys",
    data: { SchemaName, KeyAttributes },
  });

/** Status and code of a call that must be refused. */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    const one = Array.isArray(error) ? error.find((part) => part instanceof Error) : error;
    return [one.status, one.code ?? one.error.code];
  }
  throw new Error("it was not refused");
}

feature("create", async () => {
  assert.match(await create(), /^[0-9a-f-]{36}$/);
  const row = await api.create({ ...accounts, data: { name: "Shown" }, returnRepresentation: true, select: ["name"] });
  assert.equal(row.name, "Shown");
});

feature("read", async () => {
  const id = await create({ telephone1: "555" });
  assert.equal((await read(id, "telephone1")).telephone1, "555");
  const found = await api.retrieveMultiple({ ...accounts, filter: "telephone1 eq '555'", select: ["name"] });
  assert.deepEqual(found.value.map((row) => row.accountid), [id]);
});

feature("update", async () => {
  const key = await create();
  await api.update({ ...accounts, key, data: { name: "Changed" } });
  assert.equal((await read(key, "name")).name, "Changed");
  await api.updateSingleProperty({ ...accounts, key, fieldValuePair: { name: "Once more" } });
  const row = await api.update({ ...accounts, key, data: { fax: "1" }, returnRepresentation: true, select: ["name"] });
  assert.equal(row.name, "Once more");
});

feature("upsert", async () => {
  const key = "11111111-0000-0000-0000-000000000001";
  const upsert = (name, more) => api.upsert({ ...accounts, key, data: { name }, ...more });
  await upsert("Made");
  await upsert("Changed");
  assert.equal((await read(key, "name")).name, "Changed");
  assert.equal(await upsert("Not made again", { ifnonematch: "*" }), null);
  assert.equal((await read(key, "name")).name, "Changed");
});

feature("delete", async () => {
  const key = await create({ fax: "1" });
  await api.deleteRecord({ ...accounts, key, property: "fax" });
  assert.equal((await read(key, "fax")).fax, null);
  await api.deleteRecord({ ...accounts, key });
  assert.deepEqual(await refusal(read(key, "name")), [404, "0x80040217"]);
});

feature("alternate keys", async () => {
  await defineKey("account", "account_number", ["accountnumber"]);
  await defineKey("contact", "contact_name", ["firstname", "lastname"]);
  const id = await create({ accountnumber: "K/1" });
  assert.equal((await read("accountnumber='K/1'", "name")).accountid, id);
  const key = "firstname='Ada',lastname='Byron'";
  await api.upsert({ collection: "contacts", key, data: { "parentcustomerid_account@odata.bind": "/accounts(accountnumber='K/1')" } });
  const row = await api.retrieve({ collection: "contacts", key, select: ["fullname", "_parentcustomerid_value"] });
  assert.deepEqual([row.fullname, row._parentcustomerid_value], ["Ada Byron", id]);
  await api.deleteRecord({ collection: "contacts", key });
  assert.deepEqual(await refusal(api.retrieve({ collection: "contacts", key })), [404, "0x80060891"]);
});

feature("CreateMultiple", async () => {
  const { Ids } = await many("CreateMultiple", [{ name: "One" }, { name: "Two" }]);
  assert.equal((await read(Ids[1], "name")).name, "Two");
});

feature("UpdateMultiple", async () => {
  const ids = [await create(), await create()];
  await many("UpdateMultiple", ids.map((accountid) => ({ accountid, name: "Both" })));
  assert.equal((await read(ids[1], "name")).name, "Both");
});

feature("UpsertMultiple", async () => {
  const id = await create({ accountnumber: "M1" });
  await many("UpsertMultiple", ["M1", "M2"].map((number) => ({ "@odata.id": `accounts(accountnumber='${number}')`, name: "New" })));
  assert.equal((await read(id, "name")).name, "New");
  assert.equal((await read("accountnumber='M2'", "name")).name, "New");
});

feature("$batch", async () => {
  const key = await create();
  api.startBatch();
  api.retrieve({ ...accounts, key, select: ["name"] });
  api.retrieveMultiple({ ...accounts, filter: "name eq 'Adventure Works'", select: ["name"], top: 2 });
  const [row, list] = await api.executeBatch();
  assert.equal(row.name, "Adventure Works");
  assert.equal(list.value.length, 2);
  api.startBatch();
  api.retrieve({ ...accounts, key: gone });
  api.retrieve({ ...accounts, key, select: ["name"] });
  const [failed, good] = await api.executeBatch({ continueOnError: true });
  assert.deepEqual([failed.status, failed.error.code, good.name], [404, "0x80040217", "Adventure Works"]);
});

feature("change sets", async () => {
  const set = async (lastname) => {
    api.startBatch();
    api.create({ ...accounts, data: { name: "In a set" }, contentId: "1" });
    api.create({ collection: "contacts", data: { lastname, "parentcustomerid_account@odata.bind": "$1" } });
    return api.executeBatch();
  };
  const [account, contact] = await set("Of it");
  const row = await api.retrieve({ collection: "contacts", key: contact, select: ["_parentcustomerid_value"] });
  assert.equal(row._parentcustomerid_value, account);
  assert.deepEqual(await refusal(set("x".repeat(51))), [400, "0x80044331"]);
  assert.equal(await api.count({ ...accounts, filter: "name eq 'In a set'" }), 1);
});

feature("paging", async () => {
  const { Ids } = await many("CreateMultiple", Array.from({ length: 25 }, (_, number) => ({ name: `Page ${number}` })));
  const query = { ...accounts, filter: "startswith(name,'Page ')", select: ["name"], maxPageSize: 10 };
  const sizes = [];
  for (let page = await api.retrieveMultiple(query); ; page = await api.retrieveMultiple(query, page.oDataNextLink)) {
    sizes.push(page.value.length);
    if (!page.oDataNextLink) break;
  }
  assert.deepEqual(sizes, [10, 10, 5]);
  const all = await api.retrieveAll(query);
  assert.deepEqual(all.value.map((row) => row.accountid).sort(), Ids.sort());
});

feature("$count", async () => {
  await create({ name: "Counted" });
  const filter = "name eq 'Counted'";
  assert.equal(await api.count({ ...accounts, filter }), 1);
  assert.equal(await api.countAll({ ...accounts, filter }), 1);
  assert.equal((await api.retrieveMultiple({ ...accounts, filter, count: true })).oDataCount, 1);
});

feature("lookups", async () => {
  const collection = "contacts";
  const [key, relatedKey] = [await create(), await api.create({ collection, data: { lastname: "Kid" } })];
  const parent = async () => (await api.retrieve({ collection, key: relatedKey }))._parentcustomerid_value;
  const [one, many] = [{ navigationProperty: "primarycontactid" }, { relationshipName: "contact_customer_accounts" }];
  await api.associateSingleValued({ ...accounts, ...one, primaryKey: key, relatedCollection: collection, relatedKey });
  assert.equal((await read(key, "_primarycontactid_value"))._primarycontactid_value, relatedKey);
  await api.disassociateSingleValued({ ...accounts, ...one, primaryKey: key });
  assert.equal((await read(key, "_primarycontactid_value"))._primarycontactid_value, null);
  await api.associate({ ...accounts, ...many, primaryKey: key, relatedCollection: collection, relatedKey });
  assert.equal(await parent(), key);
  const found = await api.retrieve({ ...accounts, key, navigationProperty: many.relationshipName, select: ["lastname"] });
  assert.deepEqual(found.value.map((row) => row.lastname), ["Kid"]);
  await api.disassociate({ ...accounts, ...many, primaryKey: key, relatedKey });
  assert.equal(await parent(), null);
});

feature("$expand", async () => {
  const contact = await api.create({ collection: "contacts", data: { firstname: "Ada", lastname: "First" } });
  const key = await create({ "primarycontactid@odata.bind": `/contacts(${contact})` });
  await api.update({ collection: "contacts", key: contact, data: { "parentcustomerid_account@odata.bind": `/accounts(${key})` } });
  const expand = [
    { property: "primarycontactid", select: ["fullname"] },
    { property: "contact_customer_accounts", select: ["lastname"], filter: "firstname eq 'Ada'", orderBy: ["lastname"], top: 5 },
  ];
  const row = await api.retrieve({ ...accounts, key, select: ["name"], expand });
  assert.equal(row.primarycontactid.fullname, "Ada First");
  assert.deepEqual(row.contact_customer_accounts.map((one) => one.lastname), ["First"]);
});

feature("$apply", async () => {
  await many("CreateMultiple", [10, 20, 30].map((creditlimit) => ({ name: "Sum", creditlimit, customertypecode: creditlimit > 10 ? 3 : 4 })));
  const apply = "filter(name eq 'Sum')/groupby((customertypecode),aggregate($count as rows,creditlimit with sum as total))";
  const { value } = await api.retrieveMultiple({ ...accounts, apply });
  const found = value.map((row) => [row.customertypecode, row.rows, row.total]).sort();
  assert.deepEqual(found, [[3, 2, 50], [4, 1, 10]]);
});

feature("option sets", async () => {
  const key = "LogicalName='account'";
  const expand = [{ property: "OptionSet", select: ["Options"] }];
  const found = await api.retrieveAttributes({ entityKey: key, castType: choices, select: ["LogicalName"], expand });
  const terms = found.value.find((one) => one.LogicalName === "paymenttermscode");
  assert.equal(terms.OptionSet.Options[1].Label.UserLocalizedLabel.Label, "2% 10, Net 30");
  const one = await api.retrieveAttribute({ entityKey: key, attributeKey: "LogicalName='paymenttermscode'", castType: choices, expand });
  assert.equal(one.OptionSet.Options.length, 4);
  const sets = await api.retrieveGlobalOptionSets({ select: ["Name"] });
  assert.ok(sets.value.some((set) => set.Name === "budgetstatus"));
  const set = await api.retrieveGlobalOptionSet({ key: "Name='budgetstatus'" });
  assert.equal(set.Options[0].Label.UserLocalizedLabel.Label, "No Committed Budget");
});

feature("formatted values", async () => {
  const key = await create({ creditlimit: 1234.5 });
  const select = ["creditlimit", "statecode", "_transactioncurrencyid_value"];
  const row = await api.retrieve({ ...accounts, key, select, includeAnnotations: "*" });
  assert.deepEqual([row.creditlimit_Formatted, row.statecode_Formatted], ["1,234.50", "Active"]);
  assert.equal(row._transactioncurrencyid_value_LogicalName, "transactioncurrency");
});

feature("change tracking", async () => {
  const query = { ...accounts, select: ["name"], trackChanges: true };
  const first = await api.retrieveMultiple({ ...query });
  const [made, changed] = [await create({ name: "Made" }), first.value[0].accountid];
  await api.update({ ...accounts, key: changed, data: { name: "Changed" } });
  const second = await api.retrieveMultiple({ ...query }, first.oDataDeltaLink);
  assert.deepEqual(second.value.map((row) => [row.accountid, row.name]), [[made, "Made"], [changed, "Changed"]]);
  const third = await api.retrieveMultiple({ ...query }, second.oDataDeltaLink);
  assert.deepEqual(third.value, []);
});

feature("removals", async () => {
  const query = { ...accounts, select: ["name"], trackChanges: true };
  const key = await create();
  const first = await api.retrieveMultiple({ ...query });
  await api.deleteRecord({ ...accounts, key });
  const { value } = await api.retrieveMultiple({ ...query }, first.oDataDeltaLink);
  assert.deepEqual(value.map((row) => [row.id, row.reason]), [[key, "deleted"]]);
  assert.ok(value[0]["@odata.context"].endsWith("#accounts/$deletedEntity"));
});

feature("etag preconditions", async () => {
  const key = await create();
  const etag = (await read(key, "name"))["@odata.etag"];
  const write = (ifmatch, name) => api.update({ ...accounts, key, ifmatch, data: { name } });
  assert.ok(await write(etag, "Changed"));
  assert.equal(await write(etag, "Too late"), false);
  assert.equal((await read(key, "name")).name, "Changed");
  assert.equal(await api.deleteRecord({ ...accounts, key, ifmatch: etag }), false);
  const fresh = (await read(key, "name"))["@odata.etag"];
  assert.equal(await api.retrieve({ ...accounts, key, ifnonematch: fresh, select: ["name"] }), undefined, "304");
  await api.deleteRecord({ ...accounts, key, ifmatch: fresh });
});

feature("error bodies and codes", async () => {
  await create({ accountnumber: "E1" });
  assert.deepEqual(await refusal(create({ accountnumber: "E1" })), [412, "0x80060892"]);
  assert.deepEqual(await refusal(create({ colour: 1 })), [400, "0x80048d19"]);
  assert.deepEqual(await refusal(create({ name: "x".repeat(161) })), [400, "0x80044331"]);
  assert.deepEqual(await refusal(api.retrieveMultiple({ ...accounts, select: ["colour"] })), [400, "0x80060888"]);
  assert.deepEqual(await refusal(read(gone, "name")), [404, "0x80040217"]);
  assert.deepEqual(await refusal(api.deleteRecord({ collection: "accounts", key: gone })), [404, "0x80040217"]);
});

feature("WhoAmI", async () => {
  const { UserId } = await api.callFunction("WhoAmI");
  const user = await api.retrieve({ collection: "systemusers", key: UserId, select: ["fullname"] });
  assert.equal(user.fullname, "Integration User");
});

feature("RetrieveVersion", async () => {
  const { Version } = await api.callFunction("RetrieveVersion");
  assert.match(Version, /^9\.2\./);
  return Version;
});

feature("metadata", async () => {
  const [table] = (await api.retrieveEntities({ select: ["EntitySetName"], filter: "LogicalName eq 'contact'" })).value;
  assert.equal(table.EntitySetName, "contacts");
  const whole = await api.retrieveEntity({ key: table.MetadataId, expand: [{ property: "Attributes", select: ["LogicalName"] }] });
  assert.ok(whole.Attributes.some((one) => one.LogicalName === "lastname"));
  assert.ok((await api.retrieveCsdlMetadata()).includes('EntityType Name="contact"'));
});

await report("dynamics-web-api", "CRM");
