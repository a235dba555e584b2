from django.db import migrations, models


def guess(apps, schema_editor):
    """Until now `manage user` labelled its tokens so, and only the page made others."""
    tokens = apps.get_model("people", "ApiToken").objects.using(schema_editor.connection.alias)
    tokens.exclude(label="manage user").update(from_page=True)


class Migration(migrations.Migration):
    dependencies = [("people", "0002_shared_cache")]
    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="from_page",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(guess, migrations.RunPython.noop),
    ]
