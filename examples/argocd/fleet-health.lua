-- Health of a nixfleet.dev Fleet. A sync ends when the release is in force; how far it has come is the Rollouts' health.
local hs = { status = "Progressing", message = "The operator has not looked at it yet" }
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= nil and obj.status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function holds(type, status)
  return conditions[type] ~= nil and conditions[type].status == status
end

-- What was in force stays in force when a release is refused, so Ready alone would hide it.
if holds("Stalled", "True") then
  return { status = "Degraded", message = conditions.Stalled.message }
end
if holds("Verified", "False") then
  return { status = "Degraded", message = conditions.Verified.message }
end
if holds("Ready", "False") and conditions.Ready.reason == "OnHold" then
  return { status = "Suspended", message = conditions.Ready.message }
end
if holds("Deadlocked", "True") then
  return { status = "Degraded", message = conditions.Deadlocked.message }
end
if holds("Ready", "True") then
  return { status = "Healthy", message = conditions.Ready.message }
end
if conditions.Ready ~= nil then
  hs.message = conditions.Ready.message
end
return hs
