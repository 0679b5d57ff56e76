import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0005_fill_bots_of_deliveries_and_lanes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='bot',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='bots.bot', verbose_name='bot'),
        ),
    ]
